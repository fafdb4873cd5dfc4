/** What may follow a part of an expression. */
export type FieldType =
  | { readonly kind: "message"; readonly fields: ReadonlyMap<string, FieldType> }
  | { readonly kind: "list"; readonly element: FieldType }
  /** A value without fields. */
  | { readonly kind: "value" }
  /** A field that exists, but is blank in what is filtered. */
  | { readonly kind: "blank" }
  /** The elements of an empty list. */
  | { readonly kind: "nothing" }
  /** Nobody knows. */
  | { readonly kind: "open" };

export const plainValue: FieldType = { kind: "value" };
export const blank: FieldType = { kind: "blank" };
export const nothing: FieldType = { kind: "nothing" };
export const open: FieldType = { kind: "open" };

export function listOf(element: FieldType): FieldType {
  return { kind: "list", element };
}

/** What is of one of two types. */
export function either(one: FieldType, other: FieldType): FieldType {
  if (one === other || other === nothing) return one;
  if (one === nothing) return other;
  return one.kind === "list" && other.kind === "list" ? listOf(either(one.element, other.element)) : open;
}
