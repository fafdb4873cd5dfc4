import type { SnapshotRecord } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { mapInOrder } from "../../kit/map-in-order.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { subjectAt } from "../corpus/subject-at.ts";
import { recordKey } from "../keys.ts";
import { findSealed } from "../snapshot/sealed-snapshot.ts";
import { SampleCursor } from "../snapshot/table/sample-cursor.ts";

export interface ListSnapshotRecords {
  readonly snapshot: string;
  readonly limit: number;
  /** `next` of the page before. */
  readonly firstSample: number;
}

export interface SnapshotRecordPage {
  readonly records: SnapshotRecord[];
  /** Sample at which the next page begins. */
  readonly next: number | undefined;
}

const READS_AT_ONCE = 16;

/** The records whose samples a snapshot holds, in its order, with whose they were when it was built, where the store still tells. Rejects with SNAPSHOT_BUILDING, SNAPSHOT_FAILED. */
export async function listSnapshotRecords(
  context: ExportContext,
  tenant: TenantId,
  { snapshot, limit, firstSample }: ListSnapshotRecords,
): Promise<SnapshotRecordPage> {
  const { store, snapshots } = context;
  const { key, stored } = await findSealed(context, tenant, snapshot);
  using _use = snapshots.uses.open(tenant, key);
  const table = await snapshots.tables.open(tenant, key);
  const end = Math.min(firstSample + limit, table.sampleCount);
  const cursor = new SampleCursor(table, 0, false);
  const ids = Array.from({ length: end - firstSample }, (_, place) => cursor.at(firstSample + place, 0).id);
  const readTime = await store.timeOf(tenant, stored.readRevision);
  const records = mapInOrder(ids.values(), READS_AT_ONCE, async (record): Promise<SnapshotRecord> => {
    const recordsKey = recordKey(stored.collectionNumber, record);
    const now = await store.get(tenant, recordsKey);
    const subject = (await subjectAt(store, tenant, { key: recordsKey, now, at: stored.readRevision })) ?? "";
    const deleted = now === undefined || StoredRecord.decode(now.value).createTimeMicros > readTime;
    return { record, subject, deleted };
  });
  return { records: await Array.fromAsync(records), next: end < table.sampleCount ? end : undefined };
}
