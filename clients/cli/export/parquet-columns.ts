import type { SchemaElement } from "hyparquet-writer";
import { isList, isMixed, isStruct, type LeafType, type SampleType, type StructType } from "./sample-type.ts";

export interface Column {
  readonly name: string;
  /** Of the column and everything below it, in preorder. */
  readonly elements: readonly SchemaElement[];
  /** A JSON value as the writer wants it; null where it is absent. */
  readonly convert: (value: unknown) => unknown;
}

/** One column a key of the samples, `weight` last. What is mixed becomes text: its JSON. */
export function columnsOf({ fields }: StructType): Column[] {
  const names = [...fields.keys()].filter((name) => name !== "weight");
  if (fields.has("weight")) names.push("weight");
  return names.map((name) => {
    const type = fields.get(name) ?? "null";
    return { name, elements: elementsOf(name, type), convert: (value) => convert(type, value) };
  });
}

export function schemaOf(columns: readonly Column[]): SchemaElement[] {
  return [{ name: "root", num_children: columns.length }, ...columns.flatMap(({ elements }) => elements)];
}

const text: Partial<SchemaElement> = { type: "BYTE_ARRAY", converted_type: "UTF8" };
const leaves: Readonly<Record<LeafType, Partial<SchemaElement>>> = {
  null: text,
  boolean: { type: "BOOLEAN" },
  integer: { type: "INT64" },
  number: { type: "DOUBLE" },
  string: text,
  json: text,
};

/** Everything is optional: what is absent and what is null are the same in Parquet. */
function elementsOf(name: string, type: SampleType): SchemaElement[] {
  const repetition_type = "OPTIONAL";
  if (isMixed(type)) return [{ name, repetition_type, ...text }];
  if (isList(type)) {
    return [
      { name, repetition_type, converted_type: "LIST", num_children: 1 },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      ...elementsOf("element", type.list),
    ];
  }
  if (isStruct(type)) {
    const parts = [...type.fields].flatMap(([part, below]) => elementsOf(part, below));
    return [{ name, repetition_type, num_children: type.fields.size }, ...parts];
  }
  return [{ name, repetition_type, ...leaves[type] }];
}

function convert(type: SampleType, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (isMixed(type)) return JSON.stringify(value);
  if (isList(type)) return (value as unknown[]).map((item) => convert(type.list, item));
  if (isStruct(type)) return convertStruct(type, value as object);
  return type === "integer" ? BigInt(value as number) : value;
}

/** With every field of the type, so that none is looked up in a prototype. */
function convertStruct({ fields }: StructType, value: object): unknown {
  const own = new Map(Object.entries(value));
  return Object.fromEntries([...fields].map(([name, type]) => [name, convert(type, own.get(name))]));
}
