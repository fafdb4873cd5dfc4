import { fieldInvalid } from "../../kit/field.ts";
import type { VersionName } from "../keys.ts";

const adapterForm = /^[a-z0-9]([a-z0-9_.-]{0,126}[a-z0-9])?$/;
const aliasForm = /^[a-z]([a-z0-9_.-]{0,62}[a-z0-9])?$/;
const numberForm = /^[1-9]\d{0,9}$/;
const mostVersions = 0xffff_ffff;

/** A version as callers name it: by its number, or by an alias that points at it. */
export type VersionReference = VersionName | { readonly adapter: string; readonly alias: string };

/** Throws FIELD_INVALID for what can be no adapter's name. */
export function checkAdapterName(adapter: string): void {
  if (!adapterForm.test(adapter)) throw fieldInvalid("adapter", adapter, adapterForm.source);
}

/** Throws FIELD_INVALID for what can be no alias. */
export function checkAliasName(alias: string): void {
  if (!aliasForm.test(alias)) throw fieldInvalid("alias", alias, aliasForm.source);
}

/** `<adapter>@<number>`: a version's name everywhere. */
export function versionText({ adapter, version }: VersionName): string {
  return `${adapter}@${version}`;
}

/** Reads `<adapter>@<number>` or `<adapter>@<alias>`. Throws FIELD_INVALID. @param field which field of the request it is */
export function parseVersionReference(text: string, field = "version"): VersionReference {
  const end = text.indexOf("@");
  const adapter = text.slice(0, Math.max(end, 0));
  const which = text.slice(end + 1);
  if (adapterForm.test(adapter)) {
    if (aliasForm.test(which)) return { adapter, alias: which };
    if (isNumber(which)) return { adapter, version: Number(which) };
  }
  throw fieldInvalid(field, text, "<adapter>@<number> or <adapter>@<alias>");
}

/** Reads `<adapter>@<number>`. Throws FIELD_INVALID. @param field which field of the request it is */
export function parseVersionName(text: string, field = "version"): VersionName {
  const reference = parseVersionReference(text, field);
  if ("alias" in reference) throw fieldInvalid(field, text, "<adapter>@<number>");
  return reference;
}

function isNumber(text: string): boolean {
  return numberForm.test(text) && Number(text) <= mostVersions;
}
