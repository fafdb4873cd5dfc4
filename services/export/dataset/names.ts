import { fieldInvalid, nameForm } from "../../kit/field.ts";

const reference = /^([^@]*)(?:@([1-9]\d{0,8}))?$/;

/** Throws FIELD_INVALID for what can be no dataset's name. */
export function checkDatasetName(name: string): void {
  if (!nameForm.test(name)) {
    throw fieldInvalid("name", name, nameForm.source);
  }
}

/** Reads `name` (newest version) or `name@3`. Throws FIELD_INVALID. */
export function parseReference(text: string): { readonly name: string; readonly version: number | undefined } {
  const match = reference.exec(text);
  const name = match?.[1] ?? "";
  if (!nameForm.test(name)) {
    throw fieldInvalid("dataset", text, "name or name@version");
  }
  return { name, version: match?.[2] === undefined ? undefined : Number(match[2]) };
}
