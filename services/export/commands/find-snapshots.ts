import type { FoundSnapshot } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { Snapshot_State } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { StoredSnapshot } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { afterKey } from "../../store/range.ts";
import type { Key, StoreReader, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { findCollection } from "../corpus/collections.ts";
import { type Origin, type OriginRecord, recordsOf } from "../corpus/origin-records.ts";
import { subjectAt } from "../corpus/subject-at.ts";
import { recordKey } from "../keys.ts";
import { Looks } from "../snapshot/looks.ts";
import { hexOf } from "../snapshot/snapshot-key.ts";
import { type SnapshotEntry, snapshotsFrom } from "../snapshot/stored-snapshots.ts";
import { SampleFinder } from "../snapshot/table/sample-finder.ts";

export interface FindSnapshots {
  readonly origin: Origin;
  readonly limit: number;
  /** `next` of the page before. */
  readonly position: SearchPosition | undefined;
}

/** Where a search goes on. */
export interface SearchPosition {
  /** Key of the snapshot that was looked into last. */
  readonly snapshot: Uint8Array;
  /** Place of the first record that was not looked for in it; undefined where all were. */
  readonly record: Key | undefined;
}

export interface FoundPage {
  /** By key; fewer than asked for, even none, where there is much to look at. */
  readonly snapshots: FoundSnapshot[];
  readonly next: SearchPosition | undefined;
}

/** The sealed snapshots that hold samples of a record or a subject. Rejects with COLLECTION_NOT_FOUND. */
export async function findSnapshots(
  context: ExportContext,
  tenant: TenantId,
  { origin, limit, position }: FindSnapshots,
): Promise<FoundPage> {
  const { collection } = origin.value;
  const number = collection === "" ? undefined : await findCollection(context, tenant, collection);
  const snapshots: FoundSnapshot[] = [];
  const looks = new Looks();
  let start = position?.record;
  for await (const entry of snapshotsFrom(context.store, tenant, firstKey(position))) {
    await looks.take();
    let next: Key | undefined;
    if (isSearched(context, tenant, entry, number)) {
      const records = recordsOf(context.store, tenant, { origin, collection: entry.stored.collectionNumber, start });
      const looked = await lookInto(context, tenant, { entry, origin, records, looks });
      next = looked.next;
      if (looked.records.length > 0) snapshots.push(foundIn(entry, looked.records));
    }
    if (next !== undefined || looks.areOver || snapshots.length === limit) {
      return { snapshots, next: { snapshot: entry.key, record: next } };
    }
    start = undefined;
  }
  return { snapshots, next: undefined };
}

function firstKey(position: SearchPosition | undefined): Key {
  if (position === undefined) return new Uint8Array();
  return position.record === undefined ? afterKey(position.snapshot) : position.snapshot;
}

function isSearched(
  context: ExportContext,
  tenant: TenantId,
  entry: SnapshotEntry,
  collection: number | undefined,
): boolean {
  const { snapshot, collectionNumber } = entry.stored;
  if (snapshot?.state !== Snapshot_State.STATE_SEALED || context.snapshots.isGone(tenant, entry)) return false;
  return collection === undefined || collection === collectionNumber;
}

/** A look into one snapshot. */
interface Look {
  readonly entry: SnapshotEntry;
  readonly origin: Origin;
  readonly records: AsyncIterable<OriginRecord>;
  readonly looks: Looks;
}

/** Which of the records a snapshot holds; `next` where there was too much to look at. */
async function lookInto(
  { store, snapshots }: ExportContext,
  tenant: TenantId,
  { entry, origin, records, looks }: Look,
): Promise<{ readonly records: string[]; readonly next: Key | undefined }> {
  const { key: snapshot, stored } = entry;
  using _use = snapshots.uses.open(tenant, snapshot);
  const found: string[] = [];
  let finder: SampleFinder | undefined;
  for await (const { id, place } of records) {
    if (looks.areOver) return { records: found, next: place };
    await looks.take();
    finder ??= new SampleFinder(await snapshots.tables.open(tenant, snapshot));
    if (finder.has(id) && (await mayBeOf(store, tenant, { origin, stored, id }))) found.push(id);
  }
  return { records: found, next: undefined };
}

/** False where it is known that a record was another's when the snapshot was built. */
async function mayBeOf(
  store: StoreReader,
  tenant: TenantId,
  { origin, stored, id }: { readonly origin: Origin; readonly stored: StoredSnapshot; readonly id: string },
): Promise<boolean> {
  if (origin.$case === "record") return true;
  const key = recordKey(stored.collectionNumber, id);
  const subject = await subjectAt(store, tenant, { key, now: await store.get(tenant, key), at: stored.readRevision });
  return subject === undefined || subject === origin.value.subject;
}

function foundIn({ key, stored }: SnapshotEntry, records: string[]): FoundSnapshot {
  return { snapshot: hexOf(key), collection: stored.snapshot?.spec?.collection ?? "", records };
}
