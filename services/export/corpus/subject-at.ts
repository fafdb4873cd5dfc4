import { StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { type Entry, type Key, type Revision, StoreError, type StoreReader, type TenantId } from "../../store/store.ts";

/** A record, and when. */
export interface RecordAt {
  readonly key: Key;
  /** The record as it is now; undefined where there is none. */
  readonly now: Entry | undefined;
  readonly at: Revision;
}

/** Whose data a record was at a revision, empty where nobody said; undefined where it was written or deleted since and the store no longer tells. */
export async function subjectAt(
  store: StoreReader,
  tenant: TenantId,
  { key, now, at }: RecordAt,
): Promise<string | undefined> {
  const entry = now !== undefined && now.revision <= at ? now : await entryAt(store, tenant, key, at);
  return entry && StoredRecord.decode(entry.value).subject;
}

/** Undefined also where the revision is compacted. */
async function entryAt(store: StoreReader, tenant: TenantId, key: Key, at: Revision): Promise<Entry | undefined> {
  try {
    return await store.get(tenant, key, at);
  } catch (error) {
    if (error instanceof StoreError && error.code === "OUT_OF_RANGE") return undefined;
    throw error;
  }
}
