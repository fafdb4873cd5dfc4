import { StoredDeletion, StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { encoded } from "../../kit/encoded.ts";
import type { Changes } from "../../store/commit-changes.ts";
import { prefixRange } from "../../store/range.ts";
import type { Entry, Key, Micros, Revision, StoreReader, TenantId } from "../../store/store.ts";
import { deletedKey, deletionKey } from "../keys.ts";
import { idOf } from "./stored-record.ts";

/** A record that was deleted. */
export interface Deletion {
  readonly record: string;
  /** The commit. */
  readonly revision: Revision;
  /** When the record was written first, or first since it was deleted the time before. */
  readonly createTime: Micros;
}

export interface DeletionPage {
  /** In the order of the commits. */
  readonly deletions: readonly Deletion[];
  /** Start of the next page. */
  readonly next: Key | undefined;
}

export interface ListDeletions {
  readonly collection: number;
  /** Only later ones. */
  readonly after: Revision;
  readonly at: Revision;
  /** `next` of the page before. */
  readonly start: Key | undefined;
  readonly limit: number;
}

const idStart = deletionKey(0, 0n, "").length;

/** What a commit that deletes records of a collection keeps of them. Of two such commits at once the later one fails. */
export async function deletionChanges(
  store: StoreReader,
  tenant: TenantId,
  collection: number,
  records: readonly Entry[],
): Promise<Changes> {
  const before = (await store.get(tenant, deletedKey(collection)))?.revision ?? 0n;
  const kept = records.map((record) => {
    const { createTimeMicros } = StoredRecord.decode(record.value);
    const value = encoded(StoredDeletion, { createTimeMicros });
    return { put: deletionKey(collection, before, idOf(record)), value };
  });
  return {
    mutations: [...kept, { put: deletedKey(collection), value: new Uint8Array() }],
    expectations: [{ key: deletedKey(collection), revision: before }],
  };
}

/** The deletions of a collection after a revision, page by page. */
export async function listDeletions(
  store: StoreReader,
  tenant: TenantId,
  { collection, after, at, start, limit }: ListDeletions,
): Promise<DeletionPage> {
  const { end } = prefixRange(deletionKey(collection, 0n, "").subarray(0, idStart - 8));
  const range = { start: start ?? (await firstAfter(store, tenant, collection, after, at)), end };
  const { entries, next } = await store.scan(tenant, range, { at, limit });
  return { deletions: entries.map(deletionOf), next };
}

/** Where the deletions begin that were committed after a revision: they lie under the revision of the commit before theirs. */
async function firstAfter(
  store: StoreReader,
  tenant: TenantId,
  collection: number,
  after: Revision,
  at: Revision,
): Promise<Key> {
  const first = deletionKey(collection, 0n, "");
  const range = { start: first, end: deletionKey(collection, after, "") };
  const [last] = (await store.scan(tenant, range, { at, limit: 1, reverse: true })).entries;
  if (last === undefined) return first;
  return deletionKey(collection, last.revision > after ? beforeOf(last) : last.revision, "");
}

function beforeOf({ key }: Entry): Revision {
  return Buffer.from(key).readBigUInt64BE(idStart - 8);
}

function deletionOf({ key, value, revision }: Entry): Deletion {
  const { createTimeMicros } = StoredDeletion.decode(value);
  return { record: Buffer.from(key).toString("utf8", idStart), revision, createTime: createTimeMicros };
}
