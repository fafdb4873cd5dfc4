import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type StoreConfig } from "../../services/store/open-store.ts";
import { prefixRange } from "../../services/store/range.ts";
import type { Mutation, Store } from "../../services/store/store.ts";
import { startPostgres } from "../support/postgres.ts";

/** Commit and scan rates of one store: `node test/bench/store.ts memory|rocksdb|postgres`. 2 kB records. */

const RECORD = Buffer.alloc(2_000, "x");
const RECORDS = 100_000;
const CHUNK = 500;

const kind = process.argv[2] ?? "memory";
const { config, remove } = await place(kind);
const store = await openStore(config);
await measureAll(store);
await store.close();
await remove();

async function place(kind: string): Promise<{ config: StoreConfig; remove: () => Promise<void> }> {
  if (kind === "postgres") {
    const server = await startPostgres();
    return { config: { kind, url: server.url, schema: "bench" }, remove: () => server.stop() };
  }
  const folder = mkdtempSync(join(tmpdir(), "loraloop-bench-"));
  const config =
    kind === "rocksdb" ? ({ kind, folder: join(folder, "store") } as const) : ({ kind: "memory" } as const);
  return { config, remove: async () => rmSync(folder, { recursive: true }) };
}

async function measureAll(store: Store): Promise<void> {
  for (const writers of [1, 8, 64]) {
    const commits = writers * 300;
    await measure(`commits of one 2 kB record, ${writers} writers`, commits, () => write(store, writers, 300));
  }
  await measure(`records in commits of ${CHUNK}, 4 writers`, RECORDS, () => load(store, 4));
  await measure("records scanned in pages of 1,000", RECORDS, () => scan(store));
  await measure("gets one after the other", 2_000, () => gets(store));
}

async function measure(name: string, count: number, run: () => Promise<void>): Promise<void> {
  const start = performance.now();
  await run();
  const perSecond = Math.round((count * 1000) / (performance.now() - start));
  console.log(`${perSecond.toLocaleString("en").padStart(10)}/s  ${name}`);
}

async function write(store: Store, writers: number, each: number): Promise<void> {
  const writer = async (_: unknown, name: number) => {
    for (let n = 0; n < each; n++) await store.commit(1, [{ put: Buffer.from(`${name}/${n}`), value: RECORD }]);
  };
  await Promise.all(Array.from({ length: writers }, writer));
}

async function load(store: Store, writers: number): Promise<void> {
  let next = 0;
  const writer = async () => {
    while (next < RECORDS) {
      const first = next;
      next += CHUNK;
      const mutations = Array.from({ length: CHUNK }, (_, n): Mutation => ({ put: key(first + n), value: RECORD }));
      await store.commit(2, mutations);
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
}

async function scan(store: Store): Promise<void> {
  let range = prefixRange(new Uint8Array());
  for (let found = 0; found < RECORDS; ) {
    const { entries, next } = await store.scan(2, range);
    found += entries.length;
    if (next) range = { start: next, end: range.end };
  }
}

async function gets(store: Store): Promise<void> {
  for (let n = 0; n < 2_000; n++) await store.get(2, key((n * 7919) % RECORDS));
}

function key(n: number): Uint8Array {
  return Buffer.from(`record/${String(n).padStart(8, "0")}`);
}
