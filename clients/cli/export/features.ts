import { isList, isMixed, isStruct, type LeafType, type SampleType, type StructType } from "./sample-type.ts";

/** A feature as the front matter of a dataset card writes it, without its name. */
type Feature = Readonly<Record<string, unknown>>;

const dtypes: Readonly<Record<LeafType, string>> = {
  null: "string",
  boolean: "bool",
  integer: "int64",
  number: "float64",
  string: "string",
  json: "string",
};

/** Types of the columns, mixed ones as text; `weight` last. */
export function featuresOf({ fields }: StructType): Feature[] {
  const weight = [...fields].filter(([name]) => name === "weight");
  return namedFeatures([...[...fields].filter(([name]) => name !== "weight"), ...weight]);
}

function namedFeatures(fields: readonly (readonly [string, SampleType])[]): Feature[] {
  return fields.map(([name, type]) => ({ name, ...featureOf(type) }));
}

function featureOf(type: SampleType): Feature {
  if (isMixed(type)) return { dtype: "string" };
  if (isList(type)) return { list: itemOf(type.list) };
  if (isStruct(type)) return { struct: namedFeatures([...type.fields]) };
  return { dtype: dtypes[type] };
}

/** Items have no name: their dtype, or the features of their struct, or their list. */
function itemOf(type: SampleType): unknown {
  const { dtype, struct, list } = featureOf(type);
  return dtype ?? struct ?? { list };
}
