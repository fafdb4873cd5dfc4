import { InputError } from "../failure.ts";

/** What stands before and after the `@`. */
export interface SplitName {
  readonly adapter: string;
  /** A number or an alias; empty where only the adapter was named. */
  readonly version: string;
}

export function splitName(name: string): SplitName {
  const at = name.indexOf("@");
  return at === -1 ? { adapter: name, version: "" } : { adapter: name.slice(0, at), version: name.slice(at + 1) };
}

/** `<adapter>@<alias>`. Throws InputError. */
export function toAlias(name: string): { readonly adapter: string; readonly alias: string } {
  const { adapter, version } = splitName(name);
  if (adapter === "" || version === "" || /^\d+$/.test(version))
    throw new InputError(`${name} names no alias: write it like legal@production.`);
  return { adapter, alias: version };
}

/** The number of a version, written `3` or `legal@3`. Throws InputError. */
export function toNumber(text: string, adapter: string): number {
  const number = text.startsWith(`${adapter}@`) ? text.slice(adapter.length + 1) : text;
  if (!/^[1-9]\d{0,8}$/.test(number)) throw new InputError(`${text} is no version of ${adapter}: write it like 3.`);
  return Number(number);
}

/** `name@revision` of a base model. */
export function toBaseModel(text: string): { readonly name: string; readonly revision: string } {
  const { adapter: name, version: revision } = splitName(text);
  return { name, revision };
}
