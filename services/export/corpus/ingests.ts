import { StoredIngest } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { limits } from "../../kit/limits.ts";
import { entries } from "../../store/entries.ts";
import { prefixRange } from "../../store/range.ts";
import type { Entry, Micros, StoreReader, TenantId } from "../../store/store.ts";
import { chunkKey, ingestKey, openIngestKey } from "../keys.ts";
import type { CorpusContext } from "./corpus-context.ts";

const idleMicros = BigInt(limits.ingest_idle_seconds) * 1_000_000n;

/** Whether an ingest whose last message came at `active` is over at `now`. */
export function isIdle(active: Micros, now: Micros): boolean {
  return now - active > idleMicros;
}

/** Ids of the collection's ingests that have neither been committed nor been idle for ten minutes. */
export async function openIngests(
  { store, clock }: CorpusContext,
  tenant: TenantId,
  collection: number,
): Promise<string[]> {
  const open: string[] = [];
  const now = clock.now();
  const prefix = openIngestKey(collection, "");
  for await (const { key } of entries(store, tenant, prefixRange(prefix))) {
    const ingestId = Buffer.from(key).toString("utf8", prefix.length);
    const ingest = await store.get(tenant, ingestKey(collection, ingestId));
    if (ingest && !isIdle(StoredIngest.decode(ingest.value).activeTimeMicros, now)) open.push(ingestId);
  }
  return open;
}

/** The stored chunks of an ingest, in order. */
export async function* storedChunks(
  store: StoreReader,
  tenant: TenantId,
  collection: number,
  ingestId: string,
  count: number,
): AsyncGenerator<Entry> {
  const start = chunkKey(collection, ingestId, 0);
  const end = chunkKey(collection, ingestId, count);
  for await (const entry of entries(store, tenant, { start, end })) {
    // Between them may lie chunks of ingests whose id goes on with "/".
    if (entry.key.length === start.length) yield entry;
  }
}
