import { StoredVersion, StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import type { Entry, Revision, TenantId } from "../../store/store.ts";
import { type VersionName, versionKey, versionStateKey } from "../keys.ts";
import { adapterDeleted, versionDeleted, versionNotFound } from "./adapter-errors.ts";
import { getAlias } from "./aliases.ts";
import type { VersionReference } from "./names.ts";
import { findAdapter, isDeleted, type KeptAdapter, type Reader } from "./stored-adapters.ts";

/** A version as it is kept: what never changes, and what can. */
export interface KeptVersion {
  readonly name: VersionName;
  readonly stored: StoredVersion;
  readonly state: StoredVersionState;
  /** Commit that changed its state last. */
  readonly revision: Revision;
}

/** A version by number or alias, whatever its state; one of a deleted adapter is deleted. Rejects with VERSION_NOT_FOUND, ALIAS_NOT_FOUND. */
export async function getVersion(
  store: Reader,
  tenant: TenantId,
  reference: VersionReference,
  at?: Revision,
): Promise<KeptVersion> {
  const name = await nameOf(store, tenant, reference, at);
  const version = await findVersion(store, tenant, name, at);
  if (version === undefined) throw versionNotFound(name);
  return version;
}

/** The number behind a reference; of a number that number, whether or not there is such a version. Rejects with ALIAS_NOT_FOUND. */
export async function nameOf(
  store: Reader,
  tenant: TenantId,
  reference: VersionReference,
  at?: Revision,
): Promise<VersionName> {
  if (!("alias" in reference)) return reference;
  const { adapter, alias } = reference;
  const { stored } = await getAlias(store, tenant, adapter, alias, at);
  return { adapter, version: stored.version };
}

/** As `getVersion`; undefined where there is none. */
export async function findVersion(
  store: Reader,
  tenant: TenantId,
  name: VersionName,
  at?: Revision,
): Promise<KeptVersion | undefined> {
  const [version, adapter] = await Promise.all([
    findOwnVersion(store, tenant, name, at),
    findAdapter(store, tenant, name.adapter, at),
  ]);
  return version && withAdapter(version, adapter);
}

/** A version as it is kept, whatever became of its adapter; undefined where there is none. */
export async function findOwnVersion(
  store: Reader,
  tenant: TenantId,
  name: VersionName,
  at?: Revision,
): Promise<KeptVersion | undefined> {
  const [version, state] = await Promise.all([
    store.get(tenant, versionKey(name), at),
    store.get(tenant, versionStateKey(name), at),
  ]);
  return version && state && toVersion(name, version, state);
}

export function toVersion(
  name: VersionName,
  version: Pick<Entry, "value">,
  state: Pick<Entry, "value" | "revision">,
): KeptVersion {
  return {
    name,
    stored: StoredVersion.decode(version.value),
    state: StoredVersionState.decode(state.value),
    revision: state.revision,
  };
}

/** Throws ADAPTER_NOT_FOUND, VERSION_NOT_FOUND. @param version as `findOwnVersion` gives it */
export function checkNotDeleted({ name, state }: KeptVersion, adapter: KeptAdapter): void {
  if (isDeleted(adapter)) throw adapterDeleted(adapter.name);
  if (state.deleteTimeMicros !== 0n) throw versionDeleted(name);
}

/** The version as it is shown: a deleted adapter's versions are deleted. */
export function withAdapter(version: KeptVersion, adapter: KeptAdapter | undefined): KeptVersion {
  const deleteTimeMicros = version.state.deleteTimeMicros || (adapter?.stored.deleteTimeMicros ?? 0n);
  return { ...version, state: { ...version.state, deleteTimeMicros } };
}
