import type { AdapterVersion_State } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { ServiceError } from "../../kit/errors.ts";
import type { Revision } from "../../store/store.ts";
import type { VersionName } from "../keys.ts";
import { versionText } from "./names.ts";
import { stateName } from "./version-state.ts";

export function adapterNotFound(adapter: string): ServiceError {
  return new ServiceError("ADAPTER_NOT_FOUND", `Adapter "${adapter}" does not exist.`, { adapter });
}

export function adapterDeleted(adapter: string): ServiceError {
  const message = `Adapter "${adapter}" is deleted; RestoreAdapter brings it back.`;
  return new ServiceError("ADAPTER_NOT_FOUND", message, { adapter });
}

export function versionNotFound(name: VersionName): ServiceError {
  const version = versionText(name);
  return new ServiceError("VERSION_NOT_FOUND", `Version "${version}" does not exist.`, { version });
}

export function versionDeleted(name: VersionName): ServiceError {
  const version = versionText(name);
  const message = `Version "${version}" is deleted; RestoreVersion brings it back.`;
  return new ServiceError("VERSION_NOT_FOUND", message, { version });
}

export function aliasNotFound(adapter: string, alias: string): ServiceError {
  const message = `Adapter "${adapter}" has no alias "${alias}".`;
  return new ServiceError("ALIAS_NOT_FOUND", message, { adapter, alias });
}

export interface AliasRevisions {
  readonly adapter: string;
  readonly alias: string;
  readonly expected: Revision;
  readonly actual: Revision;
}

export function aliasConflict({ adapter, alias, expected, actual }: AliasRevisions): ServiceError {
  const message = `Alias "${alias}" of "${adapter}" was moved last by revision ${actual}, not ${expected}.`;
  const revisions = { expected_revision: String(expected), actual_revision: String(actual) };
  return new ServiceError("ALIAS_CONFLICT", message, { adapter, alias, ...revisions });
}

/** For a write that names the revision it was made for. @param what it would change, as a sentence begins */
export function revisionConflict(what: string, expected: Revision, actual: Revision): ServiceError {
  const message = `${what} was changed last by revision ${actual}, not ${expected}; read it again and retry.`;
  return new ServiceError("CONFLICT", message, {
    expected_revision: String(expected),
    actual_revision: String(actual),
  });
}

/** What still needs a version or an adapter. */
export type Use = { readonly alias: string } | { readonly child: string };

export function adapterInUse(adapter: string, use: Use): ServiceError {
  return new ServiceError("ADAPTER_IN_USE", `Adapter "${adapter}" is in use: ${usedBy(use)}.`, { adapter, ...use });
}

export function versionInUse(name: VersionName, use: Use): ServiceError {
  const version = versionText(name);
  return new ServiceError("VERSION_IN_USE", `Version "${version}" is in use: ${usedBy(use)}.`, { version, ...use });
}

function usedBy(use: Use): string {
  return "alias" in use
    ? `alias "${use.alias}" points at it; move or remove the alias first`
    : `"${use.child}" was trained from it; delete that version first, also where its adapter is deleted`;
}

/** @param problem why, and what to do: a sentence without its full stop */
export function versionNotServable(
  name: VersionName,
  state: AdapterVersion_State,
  problem: string,
  engine?: string,
): ServiceError {
  const version = versionText(name);
  const metadata = { version, state: stateName(state), problem, ...(engine !== undefined && { engine }) };
  return new ServiceError("VERSION_NOT_SERVABLE", `Version "${version}" may not be served: ${problem}.`, metadata);
}
