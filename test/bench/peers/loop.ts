import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { StoredCollection } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { collectionKey } from "../../../services/export/keys.ts";
import { findTenant } from "../../../services/kit/auth/tenants.ts";
import { systemClock } from "../../../services/store/clock.ts";
import { openStore } from "../../../services/store/open-store.ts";
import { collection } from "../samples.ts";
import type { LoopJob } from "./loop-thread.ts";

/**
 * The work of a first pass alone: scan, parse, render and hash in threads, and nothing else. `loop.ts FOLDER RECORDS THREADS ROUNDS SPEC`,
 * SPEC in base64. Prints the milliseconds of each round.
 */

const [folder = "", records = "", threads = "", rounds = "", spec = ""] = process.argv.slice(2);
const store = await openStore({ kind: "rocksdb", folder });
const tenant = (await findTenant({ store, clock: systemClock }, "default"))?.number ?? 0;
const stored = await store.get(tenant, collectionKey(collection));
const number = StoredCollection.decode(stored?.value ?? new Uint8Array()).number;
const workers = await Promise.all(Array.from({ length: Number(threads) }, (_, thread) => startThread(thread)));
const millis: number[] = [];
for (let round = 0; round < Number(rounds); round += 1) millis.push(await runRound());
process.stdout.write(`${JSON.stringify({ millis })}\n`);
await Promise.all(workers.map((worker) => worker.terminate()));
await store.close();

/** Each thread has its part of the ids. */
async function startThread(thread: number): Promise<Worker> {
  const bound = (part: number): number => Math.floor((Number(records) * part) / Number(threads));
  const workerData: LoopJob = {
    store: store.share(),
    tenant,
    collection: number,
    first: bound(thread),
    end: bound(thread + 1),
    spec: Buffer.from(spec, "base64"),
  };
  const worker = new Worker(new URL("./loop-thread.ts", import.meta.url), { workerData });
  await once(worker, "message");
  return worker;
}

async function runRound(): Promise<number> {
  const start = performance.now();
  const ended = workers.map((worker) => once(worker, "message"));
  for (const worker of workers) worker.postMessage("go");
  await Promise.all(ended);
  return performance.now() - start;
}
