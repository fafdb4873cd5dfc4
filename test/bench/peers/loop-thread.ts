import { hash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { recordKey, recordKeyPrefixBytes } from "../../../services/export/keys.ts";
import { loadExporters } from "../../../services/export/rendering/exporter-registry.ts";
import { loadRenderer } from "../../../services/export/rendering/load-renderer.ts";
import { openReader } from "../../../services/store/open-reader.ts";
import type { Entry, Key, StoreShare } from "../../../services/store/store.ts";
import { recordId } from "../samples.ts";

/** Scans, parses, renders and hashes a range of records, once for each message; answers each with a message. */
export interface LoopJob {
  readonly store: StoreShare;
  readonly tenant: number;
  readonly collection: number;
  /** Numbers of records. */
  readonly first: number;
  readonly end: number;
  readonly spec: Uint8Array;
}

const { store, tenant, collection, first, end, spec } = workerData as LoopJob;
const reader = await openReader(store);
const renderer = await loadRenderer(DatasetSpec.decode(spec), 0n, await loadExporters());
parentPort?.on("message", async () => {
  await scan();
  parentPort?.postMessage("done");
});
parentPort?.postMessage("ready");

async function scan(): Promise<void> {
  const after = recordKey(collection, recordId(end));
  for (let start: Key | undefined = recordKey(collection, recordId(first)); start !== undefined; ) {
    const page = await reader.scan(tenant, { start, end: after });
    for (const entry of page.entries) render(entry);
    start = page.next;
  }
}

function render({ key, value }: Entry): void {
  const id = Buffer.from(key.buffer, key.byteOffset, key.length).toString("utf8", recordKeyPrefixBytes);
  const outcome = renderer.render(id, StoredRecord.decode(value));
  if (outcome.kind === "sample") hash("sha256", outcome.line, "buffer");
}
