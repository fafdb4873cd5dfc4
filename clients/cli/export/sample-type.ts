/** What all the values seen at one place of the samples have in common. `json` = nothing but that they are JSON. */
export type SampleType = LeafType | ListType | StructType;
export type LeafType = "null" | "boolean" | "integer" | "number" | "string" | "json";

export interface ListType {
  readonly list: SampleType;
}

/** Fields in the order in which they were first seen. Any of them may be absent from a value. */
export interface StructType {
  readonly fields: ReadonlyMap<string, SampleType>;
}

/** Deeper values are `json`. */
const maxDepth = 16;
/** Objects with more keys than these in all are no structs but maps: `json`. The sample itself may have any number. */
const maxFields = 100;

/** The type of a sample together with all samples before it; the same object where the sample is of `type` already. */
export function widenSample(type: StructType, sample: object): StructType {
  return widenFields(type, sample, 0);
}

export function isStruct(type: SampleType): type is StructType {
  return typeof type === "object" && "fields" in type;
}

export function isList(type: SampleType): type is ListType {
  return typeof type === "object" && "list" in type;
}

function widen(type: SampleType, value: unknown, depth: number): SampleType {
  if (value === null || type === "json") return type;
  if (typeof value !== "object") return widenLeaf(type, leafOf(value));
  if (depth === maxDepth) return "json";
  return Array.isArray(value) ? widenList(type, value, depth) : widenStruct(type, value, depth);
}

function leafOf(value: unknown): LeafType {
  if (typeof value === "number") return Number.isSafeInteger(value) ? "integer" : "number";
  return typeof value === "boolean" ? "boolean" : "string";
}

function widenLeaf(type: SampleType, leaf: LeafType): SampleType {
  if (type === leaf || (type === "number" && leaf === "integer")) return type;
  return type === "null" || (type === "integer" && leaf === "number") ? leaf : "json";
}

function widenList(type: SampleType, values: readonly unknown[], depth: number): SampleType {
  if (type !== "null" && !isList(type)) return "json";
  const before = type === "null" ? "null" : type.list;
  const list = values.reduce<SampleType>((item, value) => widen(item, value, depth + 1), before);
  return type !== "null" && list === before ? type : { list };
}

function widenStruct(type: SampleType, value: object, depth: number): SampleType {
  if (type !== "null" && !isStruct(type)) return "json";
  const struct = widenFields(type === "null" ? { fields: new Map() } : type, value, depth);
  return struct.fields.size > maxFields ? "json" : struct;
}

function widenFields(type: StructType, value: object, depth: number): StructType {
  const wider = new Map<string, SampleType>();
  for (const [name, part] of Object.entries(value)) {
    const before = type.fields.get(name);
    const after = widen(before ?? "null", part, depth + 1);
    if (after !== before) wider.set(name, after);
  }
  return wider.size === 0 ? type : { fields: new Map([...type.fields, ...wider]) };
}

/** Dotted paths of what is not of one type: mixed values, and objects without any key. */
export function mixedPaths(type: StructType): string[] {
  return [...type.fields].flatMap(([name, part]) => mixedBelow(name, part));
}

function mixedBelow(path: string, type: SampleType): string[] {
  if (isMixed(type)) return [path];
  if (isList(type)) return mixedBelow(path, type.list);
  return isStruct(type) ? mixedPaths(type).map((below) => `${path}.${below}`) : [];
}

export function isMixed(type: SampleType): boolean {
  return type === "json" || (isStruct(type) && type.fields.size === 0);
}
