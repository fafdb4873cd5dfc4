import type { Logger } from "pino";
import { StoredIngest } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { keepRounds } from "../../kit/rounds.ts";
import { entries } from "../../store/entries.ts";
import { prefixRange } from "../../store/range.ts";
import { type Clock, type Entry, type Key, type Store, StoreError, type TenantId } from "../../store/store.ts";
import { ingestKey, openIngestKey } from "../keys.ts";
import { storedChunks } from "./ingests.ts";

export interface IngestSweeperOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whose ingests are swept, asked anew each round. */
  readonly tenants: () => Promise<readonly TenantId[]>;
}

/** So long after its last message an ingest is forgotten: until then what is sent again gets the same answer. */
const rememberedMicros = 7n * 24n * 3_600n * 1_000_000n;
const intervalMillis = 3_600_000;
const deletesAtOnce = 1_000;
const prefixBytes = ingestKey(0, "").length;

/** Sweeps now and every hour, until it is disposed of. */
export function keepSweepingIngests(options: IngestSweeperOptions): AsyncDisposable {
  const onError = (error: unknown) => options.log.error({ err: error }, "the sweep of ingests failed");
  return keepRounds({ intervalMillis, onError }, (stop) => sweepIngests(options, stop));
}

/** Removes the bookkeeping of ingests whose last message came seven days ago; their records stay. */
export async function sweepIngests(options: IngestSweeperOptions, signal: AbortSignal): Promise<void> {
  const { store, clock, tenants } = options;
  const oldest = clock.now() - rememberedMicros;
  for (const tenant of await tenants()) {
    for await (const entry of entries(store, tenant, prefixRange(Buffer.from("ingest/")))) {
      if (signal.aborted) return;
      const ingest = StoredIngest.decode(entry.value);
      if (ingest.activeTimeMicros < oldest) await removeIngest(store, tenant, entry, Number(ingest.nextChunk));
    }
  }
}

/** The ingest goes last, and only where nobody has gone on with it: a sweep that is broken off is ended by the next. */
async function removeIngest(store: Store, tenant: TenantId, entry: Entry, chunkCount: number): Promise<void> {
  const collection = Buffer.from(entry.key).readUInt32BE(prefixBytes - 4);
  const ingestId = Buffer.from(entry.key).toString("utf8", prefixBytes);
  let chunks: Key[] = [];
  for await (const { key } of storedChunks(store, tenant, collection, ingestId, chunkCount)) {
    if (chunks.push(key) < deletesAtOnce) continue;
    await store.commit(tenant, chunks.map(toDelete));
    chunks = [];
  }
  const last = [...chunks, entry.key, openIngestKey(collection, ingestId)];
  await store.commit(tenant, last.map(toDelete), [entry]).catch((error: unknown) => {
    if (!(error instanceof StoreError && error.code === "ABORTED")) throw error;
  });
}

function toDelete(key: Key): { delete: Key } {
  return { delete: key };
}
