import { z } from "zod";
import { isList, isStruct, type LeafType, type SampleType, type StructType } from "./sample-type.ts";

/** A type as JSON: fields as pairs, since they have an order and any name. */
export type SavedType = LeafType | { readonly list: SavedType } | SavedStruct;
export interface SavedStruct {
  readonly fields: readonly (readonly [string, SavedType])[];
}

const savedType: z.ZodType<SavedType> = z.lazy(() =>
  z.union([
    z.enum(["null", "boolean", "integer", "number", "string", "json"]),
    z.strictObject({ list: savedType }),
    savedStruct,
  ]),
);

export const savedStruct: z.ZodType<SavedStruct> = z.strictObject({
  fields: z.array(z.tuple([z.string(), savedType])),
});

export function saveStruct({ fields }: StructType): SavedStruct {
  return { fields: [...fields].map(([name, part]) => [name, saveType(part)]) };
}

function saveType(type: SampleType): SavedType {
  if (isList(type)) return { list: saveType(type.list) };
  return isStruct(type) ? saveStruct(type) : type;
}

export function loadStruct({ fields }: SavedStruct): StructType {
  return { fields: new Map(fields.map(([name, part]) => [name, loadType(part)])) };
}

function loadType(type: SavedType): SampleType {
  if (typeof type === "string") return type;
  return "list" in type ? { list: loadType(type.list) } : loadStruct(type);
}
