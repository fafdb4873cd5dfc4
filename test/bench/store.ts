import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import { openStore } from "../../services/store/open-store.ts";
import type { KeyRange, Mutation, Store } from "../../services/store/store.ts";

/** Rates of the embedded store: `node test/bench/store.ts [records]`, 100,000 records of 2 kB by default. */

const count = Number(process.argv[2] ?? 100_000);
const perCommit = 500;
const tenant = 1;
const all: KeyRange = { start: Buffer.from("r"), end: Buffer.from("s") };
const value = Buffer.from(JSON.stringify({ text: "All happy families are alike. ".repeat(66) }));

const folder = await mkdtemp(join(tmpdir(), "loraloop-bench-"));
const store = await openStore({ kind: "rocksdb", folder });
try {
  await measure("commits of one small key, one at a time", "commits", () => smallCommits(1, 2000));
  await measure("commits of one small key, 8 writers", "commits", () => smallCommits(8, 8000));
  await measure("commits of 500 records, 4 at a time", "records", () => ingest(store));
  await measure("scan in the main thread", "records", () => scanMain(store));
  await measure("get in the main thread", "gets", () => gets(store, 20_000));
  await measure("scan in one worker thread", "records", () => scanThreads(store, 1));
  await measure("scan in two worker threads", "records", () => scanThreads(store, 2));
  console.log(`resident memory ${Math.round(process.memoryUsage.rss() / 1e6)} MB`);
} finally {
  await store.close();
  await rm(folder, { recursive: true });
}

async function measure(what: string, unit: string, run: () => Promise<number>): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const began = performance.now();
  const done = await run();
  const rate = Math.round((done / (performance.now() - began)) * 1000);
  delay.disable();
  const [p99, worst] = [delay.percentile(99), delay.max].map((nanos) => (nanos / 1e6).toFixed(1));
  console.log(`${what}: ${rate.toLocaleString("en")} ${unit}/s, event loop p99 ${p99} ms, worst ${worst} ms`);
}

async function smallCommits(writers: number, total: number): Promise<number> {
  const numbers = Array(total).keys();
  const write = async (_: unknown, writer: number) => {
    for (const number of numbers) {
      await store.commit(tenant, [{ put: Buffer.from(`small-${writer}-${number}`), value: Buffer.from("x") }]);
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  return total;
}

async function ingest(into: Store): Promise<number> {
  const starts = Array(Math.ceil(count / perCommit)).keys();
  const write = async () => {
    for (const start of starts) await into.commit(tenant, records(start * perCommit));
  };
  await Promise.all(Array.from({ length: 4 }, write));
  return count;
}

function records(from: number): Mutation[] {
  return Array.from({ length: perCommit }, (_, n) => ({ put: key(from + n), value }));
}

function key(number: number): Buffer {
  return Buffer.from(`r${String(number).padStart(12, "0")}`);
}

async function scanMain(from: Store): Promise<number> {
  let found = 0;
  for (let rest: KeyRange | undefined = all; rest; ) {
    const page = await from.scan(tenant, rest);
    found += page.entries.length;
    rest = page.next && { start: page.next, end: all.end };
  }
  return found;
}

async function gets(from: Store, total: number): Promise<number> {
  for (let n = 0; n < total; n++) await from.get(tenant, key(Math.floor(Math.random() * count)));
  return total;
}

async function scanThreads(from: Store, threads: number): Promise<number> {
  const found = await Promise.all(Array.from({ length: threads }, () => scanThread(from)));
  return found.reduce((total, part) => total + part, 0);
}

function scanThread(from: Store): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const worker = new Worker(new URL("./scan-thread.ts", import.meta.url), {
    workerData: { share: from.share(), tenant, range: all },
  });
  let found = 0;
  worker.on("message", (scanned: number) => {
    found = scanned;
  });
  worker.on("error", reject);
  worker.on("exit", () => resolve(found));
  return promise;
}
