import type { SnapshotHold } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { ServiceError } from "../../kit/errors.ts";
import { fromTimestamp } from "../../kit/timestamp.ts";
import type { Store, TenantId } from "../../store/store.ts";
import { parseVersionName } from "../adapters/names.ts";
import { findAdapter, isDeleted } from "../adapters/stored-adapters.ts";
import type { RegistryContext } from "../context.ts";
import { type VersionName, versionStateKey } from "../keys.ts";
import { bySnapshot, joined } from "./by-snapshot.ts";
import { knownHold, tellDeletedData, updateDeletedData } from "./deleted-data.ts";
import { hasReason } from "./export-errors.ts";
import { holderPrefix, versionHolder } from "./holders.ts";
import { type Owner, releaseHolds } from "./holds.ts";
import { tellDescendants } from "./tell-descendants.ts";
import { versionsBySnapshot } from "./versions-of.ts";

/**
 * Makes the holds in the export service those that the tenant's versions need, and reads on what was deleted. Whatever a registration, a deletion or a restored store left undone is
 * done here; any number of processes may do it at once. What fails for one
 * snapshot is tried again the next time. Rejects as ExportClient does where the holds cannot be listed.
 */
export async function reconcile(context: RegistryContext, owner: Owner, stop: AbortSignal): Promise<void> {
  const versions = bySnapshot(versionsBySnapshot(context.store, owner.tenant));
  const held = bySnapshot(holds(context, owner, { bySnapshot: true }));
  for await (const [{ snapshot, items }, found] of joined(versions, held)) {
    if (stop.aborted) return;
    const names = items.map(({ name }) => name);
    await reconcileSnapshot(context, owner, { snapshot, names, held: found }).catch((error: unknown) => {
      if (!(error instanceof ServiceError) || hasReason(error, "TENANT_NOT_FOUND")) throw error;
      // What is wrong with one snapshot, e.g. CONTENT_DAMAGED, or no answer in time, keeps no other waiting.
      context.log.warn({ err: error, tenant: owner.tenantName, snapshot }, "a snapshot is reconciled later");
    });
  }
  // After all snapshots: a line of versions that were each trained on one of them is told once, not once for each.
  await tellDescendants(context.store, owner.tenant, stop);
}

/** Releases holds of versions that are not there or were deleted, once they are older than `orphan_hold_seconds`: a younger one may be of a version that is just being restored. */
export async function releaseOrphans(context: RegistryContext, owner: Owner, stop: AbortSignal): Promise<void> {
  const { store, clock, configuration } = context;
  const oldest = clock.now() - BigInt(configuration.orphan_hold_seconds) * 1_000_000n;
  for await (const { holder, createTime } of holds(context, owner, { bySnapshot: false })) {
    if (stop.aborted) return;
    if (createTime !== undefined && fromTimestamp(createTime, "create_time") > oldest) continue;
    const name = versionOf(store, holder);
    if (name === undefined || (await needsSnapshots(store, owner.tenant, name))) continue;
    await releaseHolds(context, owner, name);
  }
}

interface Held {
  readonly snapshot: string;
  readonly names: readonly VersionName[];
  readonly held: readonly SnapshotHold[];
}

async function reconcileSnapshot(context: RegistryContext, owner: Owner, held: Held): Promise<void> {
  const placed = await holdMissing(context, owner, held);
  if (placed || (await mayTellMore(context, owner, held))) await updateDeletedData(context, owner, held.snapshot);
}

/** Whether there was a hold to place, and it was. */
async function holdMissing(context: RegistryContext, owner: Owner, { snapshot, names, held }: Held): Promise<boolean> {
  const { store } = context;
  const holders = new Set(held.map(({ holder }) => holder));
  let placed = false;
  for (const name of names) {
    const holder = versionHolder(store, name);
    if (holders.has(holder) || !(await needsSnapshots(store, owner.tenant, name))) continue;
    // Before the hold, which says that it was told.
    await tellDeletedData(store, owner.tenant, name);
    if (!(await hold(context, owner, holder, snapshot))) return false;
    placed = true;
  }
  return placed;
}

/** Whether records were deleted since the last look, or what it found was not told. */
async function mayTellMore(
  { store }: RegistryContext,
  owner: Owner,
  { snapshot, held: [held] }: Held,
): Promise<boolean> {
  if (held === undefined || held.deletionRevision === 0n) return false;
  const known = await knownHold(store, owner.tenant, snapshot);
  return known.hold.untold || held.deletionRevision > known.hold.throughRevision;
}

/** False where the snapshot is gone for good: a version that was restored too late, or an export service that was restored. */
async function hold(
  { exportClient }: RegistryContext,
  owner: Owner,
  holder: string,
  snapshot: string,
): Promise<boolean> {
  try {
    const asked = { holder, snapshots: [snapshot] };
    await exportClient.call(owner.tenantName, ({ exports }, call) => exports.holdSnapshots(asked, call));
    return true;
  } catch (error) {
    if (hasReason(error, "SNAPSHOT_EXPIRED", "SNAPSHOT_NOT_FOUND")) return false;
    throw error;
  }
}

/** Holds of versions and registrations, by holder or by snapshot. */
async function* holds(
  { store, exportClient }: RegistryContext,
  owner: Owner,
  order: { readonly bySnapshot: boolean },
): AsyncGenerator<SnapshotHold> {
  let pageToken = "";
  do {
    const asked = { holderPrefix: holderPrefix(store), ...order, pageSize: 1000, pageToken };
    const page = await exportClient.call(owner.tenantName, ({ exports }, call) => exports.listHolds(asked, call));
    yield* page.holds;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}

/** Undefined for the hold of a registration, which ends by itself, and for those of others. */
function versionOf(store: Store, holder: string): VersionName | undefined {
  try {
    return parseVersionName(holder.slice(holderPrefix(store).length));
  } catch {
    return undefined;
  }
}

/** Whether there is such a version, and neither it nor its adapter is deleted. */
async function needsSnapshots(store: Store, tenant: TenantId, name: VersionName): Promise<boolean> {
  const [state, adapter] = await Promise.all([
    store.get(tenant, versionStateKey(name)),
    findAdapter(store, tenant, name.adapter),
  ]);
  if (state === undefined || adapter === undefined || isDeleted(adapter)) return false;
  return StoredVersionState.decode(state.value).deleteTimeMicros === 0n;
}
