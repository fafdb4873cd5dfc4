import type { SnapshotDeletion } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { ListPosition } from "../../kit/list-position.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import type { Key, Micros, Revision, Store, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { type Deletion, listDeletions } from "../corpus/deletions.ts";
import { findSealed } from "../snapshot/sealed-snapshot.ts";
import type { SnapshotEntry } from "../snapshot/stored-snapshots.ts";
import { SampleFinder } from "../snapshot/table/sample-finder.ts";

export interface ListSnapshotDeletions extends ListPosition {
  readonly snapshot: string;
  readonly afterRevision: Revision;
  readonly limit: number;
}

export interface SnapshotDeletionPage {
  /** In the order of the commits; fewer than asked for, even none, where other records were deleted. */
  readonly deletions: SnapshotDeletion[];
  readonly next: Key | undefined;
}

/** Records of a snapshot that were deleted after it was built. Rejects with SNAPSHOT_BUILDING, SNAPSHOT_FAILED. */
export async function listSnapshotDeletions(
  context: ExportContext,
  tenant: TenantId,
  { snapshot, afterRevision, limit, at, start }: ListSnapshotDeletions,
): Promise<SnapshotDeletionPage> {
  const { store } = context;
  const entry = await findSealed(context, tenant, snapshot);
  const { collectionNumber, readRevision } = entry.stored;
  const after = afterRevision > readRevision ? afterRevision : readRevision;
  const page = await listDeletions(store, tenant, { collection: collectionNumber, after, at, start, limit });
  const readTime = await store.timeOf(tenant, readRevision);
  // What was written later and deleted again is no record of the snapshot: that one had been deleted before.
  const first = page.deletions.filter(({ createTime }) => createTime <= readTime);
  const ours = first.length === 0 ? [] : await heldBy(context, tenant, entry, first);
  return { deletions: await shown(store, tenant, ours), next: page.next };
}

async function heldBy(
  { snapshots }: ExportContext,
  tenant: TenantId,
  { key }: SnapshotEntry,
  deletions: readonly Deletion[],
): Promise<Deletion[]> {
  using _use = snapshots.uses.open(tenant, key);
  const finder = new SampleFinder(await snapshots.tables.open(tenant, key));
  return deletions.filter(({ record }) => finder.has(record));
}

async function shown(store: Store, tenant: TenantId, deletions: readonly Deletion[]): Promise<SnapshotDeletion[]> {
  const times = new Map<Revision, Micros>();
  for (const { revision } of deletions) {
    if (!times.has(revision)) times.set(revision, await store.timeOf(tenant, revision));
  }
  return deletions.map(({ record, revision }) => ({
    record,
    revision,
    time: toTimestamp(times.get(revision) ?? 0n),
  }));
}
