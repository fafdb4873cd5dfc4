import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { encoded } from "../../kit/encoded.ts";
import type { Changes } from "../../store/commit-changes.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { TenantId } from "../../store/store.ts";
import type { RegistryContext } from "../context.ts";
import { versionStateKey } from "../keys.ts";
import { adapterNotFound, versionNotFound } from "./adapter-errors.ts";
import { type VersionReference, versionText } from "./names.ts";
import { showVersion } from "./shown-version.ts";
import { findAdapter, type KeptAdapter } from "./stored-adapters.ts";
import { checkNotDeleted, findOwnVersion, type KeptVersion, nameOf } from "./stored-versions.ts";

/** What changing adapters and versions needs. */
export type ChangeContext = Pick<RegistryContext, "store" | "clock" | "turns">;

/** What a change leaves, and what else its commit holds. */
export interface VersionChange extends Partial<Changes> {
  readonly state: StoredVersionState;
}

type Change = (
  version: KeptVersion,
  adapter: KeptAdapter,
) => Promise<VersionChange | undefined> | VersionChange | undefined;

/**
 * Changes what can change of a version that is not deleted, in one commit; again where another commit came between. Nothing changes where
 * `change` gives undefined. Gives the version as it is then. Rejects with ADAPTER_NOT_FOUND, ALIAS_NOT_FOUND, VERSION_NOT_FOUND.
 */
export function changeVersion(
  context: ChangeContext,
  tenant: TenantId,
  reference: VersionReference,
  change: Change,
): Promise<AdapterVersion> {
  return changeAnyVersion(context, tenant, reference, (version, adapter) => {
    checkNotDeleted(version, adapter);
    return change(version, adapter);
  });
}

/** As `changeVersion`, also of a deleted version or one of a deleted adapter. */
export async function changeAnyVersion(
  context: ChangeContext,
  tenant: TenantId,
  reference: VersionReference,
  change: Change,
): Promise<AdapterVersion> {
  const name = await nameOf(context.store, tenant, reference);
  const attempt = async (): Promise<KeptVersion> => {
    const adapter = await findAdapter(context.store, tenant, name.adapter);
    if (adapter === undefined) throw adapterNotFound(name.adapter);
    const version = await findOwnVersion(context.store, tenant, name);
    if (version === undefined) throw versionNotFound(name);
    const changed = await change(version, adapter);
    return changed === undefined ? version : commitChange(context, tenant, version, changed);
  };
  const version = await context.turns.take(`${tenant}/${versionText(name)}`, () => retryAborted(attempt));
  return showVersion(context.store, tenant, version);
}

async function commitChange(
  { store }: ChangeContext,
  tenant: TenantId,
  version: KeptVersion,
  { state, mutations = [], expectations = [] }: VersionChange,
): Promise<KeptVersion> {
  const key = versionStateKey(version.name);
  const { revision } = await store.commit(
    tenant,
    [{ put: key, value: encoded(StoredVersionState, state) }, ...mutations],
    [{ key, revision: version.revision }, ...expectations],
  );
  return { ...version, state, revision };
}
