import { copyFileSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Place } from "../conformance/harness.ts";
import { changesAll, everything, put, rejection, scanAll } from "../conformance/helpers.ts";
import { openStore } from "../open-store.ts";
import { type Store, StoreError } from "../store.ts";
import { acceptLoss } from "./accept-loss.ts";
import { createPlace, folderOf } from "./testing/place.ts";

const commits = 45;
const perCommit = 100;

/** Two memtables are in files, the rest is in the log. */
describe("one flipped byte", () => {
  let whole: Place;
  let damaged: Place;

  beforeAll(async () => {
    whole = await createPlace();
    damaged = await createPlace();
    const store = await openStore(whole.config);
    for (let n = 0; n < commits; n++) {
      await store.commit(
        1,
        Array.from({ length: perCommit }, (_, i) => put(`${n}-${i}`, "x".repeat(4000))),
      );
    }
    await store.close();
  });

  afterAll(async () => {
    await whole.remove();
    await damaged.remove();
  });

  test("in the log: refused", async () => {
    const outcomes = await flipAll(/\.log$/, 5);
    expect(outcomes).toEqual(new Set(["refused"]));
  });

  test("anywhere in the manifest: refused", async () => {
    const outcomes = await flipAll(/^MANIFEST/, Number.POSITIVE_INFINITY);
    expect(outcomes).toEqual(new Set(["refused"]));
  });

  test("in a table: refused, or said by the read that meets it", async () => {
    const outcomes = await flipAll(/\.sst$/, 2);
    expect(outcomes.isSubsetOf(new Set(["refused", "read refused"]))).toBe(true);
  });

  test("in HEAD or a small file: refused or all is there", async () => {
    const outcomes = await flipAll(/^(HEAD|CURRENT|IDENTITY)$/, 4);
    expect(outcomes.isSubsetOf(new Set(["refused", "all there"]))).toBe(true);
  });

  test("a loss that is accepted opens with what is there, as a new incarnation", async () => {
    flip(filesOf(whole, /\.log$/)[0] ?? "", 0.5);
    await rejection(openStore(damaged.config), "DATA_LOSS");
    const loss = await acceptLoss(folderOf(damaged));
    const before = await openStore(whole.config);
    const store = await openStore(damaged.config);
    expect(loss.acknowledged).toBe(BigInt(commits));
    expect((await store.head(1)).revision).toBe(loss.stored);
    expect(await changesAll(store, 1, 0n)).toHaveLength(Number(loss.stored) * perCommit);
    expect(store.identity.storeId).toBe(before.identity.storeId);
    expect(store.identity.incarnation).not.toBe(before.identity.incarnation);
    await before.close();
    await store.close();
  });

  /** Flips so many bytes of each file, one at a time, spread from its first to its last. */
  async function flipAll(files: RegExp, times: number): Promise<Set<string>> {
    const outcomes = new Set<string>();
    for (const file of filesOf(whole, files)) {
      const count = Math.min(times, readFileSync(join(folderOf(whole), file)).length);
      for (let n = 0; n < count; n++) {
        flip(file, n / Math.max(1, count - 1));
        outcomes.add(await outcome());
      }
    }
    return outcomes;
  }

  /** Copies the store with one byte, at a part of the file's length, changed. */
  function flip(file: string, part: number): void {
    const [from, to] = [folderOf(whole), folderOf(damaged)];
    rmSync(to, { recursive: true });
    mkdirSync(join(to, "rocksdb"), { recursive: true });
    // RocksDB never changes a table or an old log, so a link will do.
    for (const name of filesOf(whole, /./)) {
      (name === "HEAD" ? copyFileSync : linkSync)(join(from, name), join(to, name));
    }
    const bytes = readFileSync(join(from, file));
    const at = Math.floor(part * (bytes.length - 1));
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at);
    rmSync(join(to, file));
    writeFileSync(join(to, file), bytes);
  }

  async function outcome(): Promise<string> {
    try {
      const store = await openStore(damaged.config);
      return await readAll(store).finally(() => store.close());
    } catch (error) {
      if (error instanceof StoreError && error.code === "DATA_LOSS") return "refused";
      throw error;
    }
  }
});

async function readAll(store: Store): Promise<string> {
  try {
    const entries = await scanAll(store, 1, everything);
    const changes = await changesAll(store, 1, 0n);
    const all = commits * perCommit;
    return entries.length === all && changes.length === all ? "all there" : "less, quietly";
  } catch (error) {
    if (error instanceof StoreError && error.code === "DATA_LOSS") return "read refused";
    throw error;
  }
}

function filesOf(place: Place, files: RegExp): string[] {
  const inside = readdirSync(join(folderOf(place), "rocksdb")).map((name) => join("rocksdb", name));
  return ["HEAD", ...inside].filter((name) => files.test(name.replace("rocksdb/", "")));
}
