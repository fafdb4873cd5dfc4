import type { DeletedData } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { StoredHold, StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { encoded } from "../../kit/encoded.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import { type Revision, type Store, StoreError, type TenantId } from "../../store/store.ts";
import { together } from "../adapters/deleted-in.ts";
import type { Reader } from "../adapters/stored-adapters.ts";
import { findOwnVersion, type KeptVersion } from "../adapters/stored-versions.ts";
import type { RegistryContext } from "../context.ts";
import { holdKey, type VersionName, versionStateKey } from "../keys.ts";
import type { Owner } from "./holds.ts";
import { readDeletions } from "./snapshot-deletions.ts";
import { untold } from "./tell-descendants.ts";
import { namesOfSnapshot } from "./versions-of.ts";

/** What is known of a snapshot, and the commit that wrote it; revision 0 where nothing is. */
export interface KnownHold {
  readonly hold: StoredHold;
  readonly revision: Revision;
}

/**
 * Reads on which records of a snapshot were deleted since it was built, keeps that, and tells it to all versions of the snapshot. What was kept and not told, because the process
 * ended, is told by the next call. Of several processes that do this at once one keeps what it read. Rejects as ExportClient does.
 */
export async function updateDeletedData(context: RegistryContext, owner: Owner, snapshot: string): Promise<void> {
  const { store, exportClient } = context;
  const { hold, revision } = await knownHold(store, owner.tenant, snapshot);
  const read = await readDeletions(exportClient, owner.tenantName, snapshot, hold);
  const isUntold = hold.untold || read.deletedData?.recordCount !== hold.deletedData?.recordCount;
  const kept = await keepHold(store, owner.tenant, snapshot, { hold: { ...read, untold: isUntold }, revision });
  if (kept === undefined || !isUntold) return;
  for await (const name of namesOfSnapshot(store, owner.tenant, snapshot)) {
    await tellDeletedData(store, owner.tenant, name);
  }
  await keepHold(store, owner.tenant, snapshot, { hold: { ...read, untold: false }, revision: kept });
}

/** Gives a version the sum of what is known of its snapshots, where that is more than it says. */
export function tellDeletedData(store: Store, tenant: TenantId, name: VersionName): Promise<void> {
  return retryAborted(async () => {
    const version = await findOwnVersion(store, tenant, name);
    if (version === undefined) return;
    const deletedData = await deletedDataOf(store, tenant, version);
    if ((deletedData?.recordCount ?? 0n) <= (version.state.deletedData?.recordCount ?? 0n)) return;
    const key = versionStateKey(name);
    const value = encoded(StoredVersionState, { ...version.state, deletedData });
    await store.commit(tenant, [{ put: key, value }, untold(name)], [{ key, revision: version.revision }]);
  });
}

export async function knownHold(store: Reader, tenant: TenantId, snapshot: string): Promise<KnownHold> {
  const entry = await store.get(tenant, holdKey(Buffer.from(snapshot, "hex")));
  if (entry === undefined) return { hold: StoredHold.create(), revision: 0n };
  return { hold: StoredHold.decode(entry.value), revision: entry.revision };
}

/** The commit; undefined where another process kept something meanwhile. */
async function keepHold(
  store: Store,
  tenant: TenantId,
  snapshot: string,
  { hold, revision }: KnownHold,
): Promise<Revision | undefined> {
  const key = holdKey(Buffer.from(snapshot, "hex"));
  try {
    return (await store.commit(tenant, [{ put: key, value: encoded(StoredHold, hold) }], [{ key, revision }])).revision;
  } catch (error) {
    if (error instanceof StoreError && error.code === "ABORTED") return undefined;
    throw error;
  }
}

async function deletedDataOf(
  store: Reader,
  tenant: TenantId,
  { stored }: KeptVersion,
): Promise<DeletedData | undefined> {
  const snapshots = stored.version?.provenance?.snapshots ?? [];
  const known = await Promise.all(snapshots.map(({ snapshot }) => knownHold(store, tenant, snapshot)));
  return known.map(({ hold }) => hold.deletedData).reduce(together, undefined);
}
