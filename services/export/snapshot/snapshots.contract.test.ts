import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SampleSource } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { Snapshot_State } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import {
  bigExpected as expected,
  bigRecords as records,
  bigSource as source,
} from "../../../test/support/big-records.ts";
import { openTestContext, type TestContext } from "../../../test/support/export-context.ts";
import { openStream, specSource, stream, upsert } from "../../../test/support/samples.ts";
import { openStore } from "../../store/open-store.ts";
import type { Clock, Store } from "../../store/store.ts";
import { buildSnapshot } from "../commands/build-snapshot.ts";
import { deleteSnapshot } from "../commands/delete-snapshot.ts";
import { getSnapshot } from "../commands/get-snapshot.ts";
import { listSnapshots } from "../commands/list-snapshots.ts";
import { watchSnapshot } from "../commands/watch-snapshot.ts";
import type { ExportContext } from "../context.ts";
import { storedBlocks } from "./blocks/stored-blocks.ts";
import { changeSnapshot } from "./stored-snapshots.ts";

const never = new AbortController().signal;
let folder: string;
let store: Store;
let opened: TestContext;
let now: bigint;
const clock: Clock = { now: () => now };

beforeEach(async () => {
  now = BigInt(Date.now()) * 1000n;
  folder = await mkdtemp(join(tmpdir(), "loraloop-snapshots-"));
  store = await openStore({ kind: "memory" }, clock);
  opened = await openTestContext({ store, dataDirectory: folder, clock });
});

afterEach(async () => {
  await opened[Symbol.asyncDispose]();
  await store.close();
  await rm(folder, { recursive: true });
});

/** The same store and folder in a new process, as far as a test can. */
async function reopen(): Promise<ExportContext> {
  await opened[Symbol.asyncDispose]();
  opened = await openTestContext({ store, dataDirectory: folder, clock });
  return opened.context;
}

async function sealed(context: ExportContext, snapshot: string): Promise<string> {
  let digest = "";
  for await (const shown of watchSnapshot(context, { tenant: 1, snapshot, signal: never, drain: never })) {
    expect(shown.failure).toBe("");
    digest = Buffer.from(shown.digest).toString("hex");
  }
  return digest;
}

async function blockFiles(): Promise<string[]> {
  const names = await readdir(join(folder, "blocks"), { recursive: true, withFileTypes: true });
  const files = names.filter((name) => name.isFile() && !name.parentPath.includes(join("blocks", "tables")));
  return files.map((name) => join(name.parentPath, name.name));
}

async function blockCount(context: ExportContext, key: string): Promise<number> {
  let count = 0;
  for await (const _ of storedBlocks.all(context.store, 1, Buffer.from(key, "hex"))) count += 1;
  return count;
}

describe("a build", () => {
  test("gives one snapshot for equal questions, with live statistics, and keeps it", async () => {
    const { context } = opened;
    await upsert(context, 1, "docs", records);
    const [first, second] = await Promise.all([
      buildSnapshot(context, 1, source, undefined),
      buildSnapshot(context, 1, source, undefined),
    ]);
    expect(second.key).toBe(first.key);
    expect(first.expireTime).toBeUndefined();
    expect(await sealed(context, first.key.slice(0, 8))).toBe(expected.digest);
    const shown = await getSnapshot(context, 1, first.key);
    expect(shown).toMatchObject({
      state: Snapshot_State.STATE_SEALED,
      statistics: { sampleCount: BigInt(expected.samples.length) },
    });
    expect(await store.pins(1)).toEqual([]);
    await upsert(context, 1, "other", records.slice(0, 3));
    expect((await buildSnapshot(context, 1, source, undefined)).key).toBe(first.key);
    await upsert(context, 1, "docs", [{ id: "z", fields: { text: "z" } }]);
    expect((await buildSnapshot(context, 1, source, undefined)).key).not.toBe(first.key);
  });

  test("that is broken off again and again goes on to the same bytes", async () => {
    let { context } = opened;
    await upsert(context, 1, "docs", records);
    const { key } = await buildSnapshot(context, 1, source, undefined);
    let interruptions = 0;
    for (let blocks = 0; !(await isSealed(context, key)); interruptions += 1) {
      const build = await context.snapshots.builds.take(1, Buffer.from(key, "hex"));
      while ((await blockCount(context, key)) <= blocks && !(await isSealed(context, key))) {
        await build?.changed.wait(100, never);
      }
      blocks = await blockCount(context, key);
      context = await reopen();
    }
    expect(interruptions).toBeGreaterThan(2);
    expect(await sealed(context, key)).toBe(expected.digest);
    const streamed = await stream(context, { ...source, source: { $case: "snapshot", value: key } });
    expect(streamed.lines).toEqual(expected.samples.map(({ line }) => line));
    expect(streamed.footer?.statistics?.sampleCount).toBe(BigInt(expected.samples.length));
    expect((await blockFiles()).length).toBe(await blockCount(context, key));
  });

  test("that is killed between its last block and its seal counts nothing twice", async () => {
    await upsert(opened.context, 1, "docs", records);
    const { key } = await buildSnapshot(opened.context, 1, source, undefined);
    await sealed(opened.context, key);
    await changeSnapshot(store, 1, Buffer.from(key, "hex"), (stored) => ({
      ...stored,
      snapshot: stored.snapshot && {
        ...stored.snapshot,
        state: Snapshot_State.STATE_BUILDING,
        digest: new Uint8Array(),
      },
    }));
    const context = await reopen();
    expect(await sealed(context, key)).toBe(expected.digest);
    const { statistics } = await getSnapshot(context, 1, key);
    expect(statistics?.sampleCount).toBe(BigInt(expected.samples.length));
    expect(statistics?.scannedCount).toBe(BigInt(records.length));
  });

  test("ends a stream that reads it with SNAPSHOT_BUILDING when it is interrupted, and the next call goes on", async () => {
    const { context } = opened;
    await upsert(context, 1, "docs", records);
    const frames = openStream(context, source);
    const header = (await frames.next()).value?.frame;
    if (header?.$case !== "header") throw new Error("header");
    await frames.next();
    await context.snapshots.builds.running(1, Buffer.from(header.value.snapshot, "hex"))?.stop();
    await expect(drainOf(frames)).rejects.toMatchObject({ reason: "SNAPSHOT_BUILDING" });
    const whole = await stream(context, source);
    expect(Buffer.from(whole.footer?.snapshotDigest ?? []).toString("hex")).toBe(expected.digest);
    expect(await blockFiles()).toHaveLength(await blockCount(context, header.value.snapshot));
  });

  test("is one for all processes of a store; another takes it over when its lease has ended", async () => {
    await opened[Symbol.asyncDispose]();
    const shared = { store, dataDirectory: folder, clock, sharedStore: true };
    opened = await openTestContext(shared);
    await using other = await openTestContext(shared);
    await upsert(opened.context, 1, "docs", records);
    const { key } = await buildSnapshot(opened.context, 1, source, undefined);
    const bytes = Buffer.from(key, "hex");
    expect(opened.context.snapshots.builds.running(1, bytes)).toBeDefined();
    expect(await other.context.snapshots.builds.take(1, bytes)).toBeUndefined();
    const followed = stream(other.context, source);
    expect((await followed).lines).toEqual(expected.samples.map(({ line }) => line));
    expect(other.context.snapshots.builds.running(1, bytes)).toBeUndefined();

    await upsert(opened.context, 1, "docs", [{ id: "z", fields: { text: "z" } }]);
    const second = Buffer.from((await buildSnapshot(opened.context, 1, source, undefined)).key, "hex");
    now += 31_000_000n;
    expect(await other.context.snapshots.builds.take(1, second)).toBeDefined();
    await opened.context.snapshots.builds.running(1, second)?.ended;
    expect((await stream(other.context, source)).ids.at(-1)).toBe("z");
    expect(await sealed(other.context, second.toString("hex"))).not.toBe("");
  });

  test("with too many errors fails, and says so to everybody", async () => {
    const { context } = opened;
    await upsert(context, 1, "docs", [
      ...records.slice(0, 20),
      { id: "r99998", fields: {} },
      { id: "r99999", fields: {} },
    ]);
    const strict = specSource({ collection: "docs", format: "text", errorHandling: { maxErrors: 1 } });
    await expect(stream(context, strict)).rejects.toMatchObject({ reason: "TOO_MANY_ERRORS" });
    const { key } = await buildSnapshot(context, 1, strict, undefined);
    expect(await getSnapshot(context, 1, key)).toMatchObject({
      state: Snapshot_State.STATE_FAILED,
      failure: expect.stringContaining("r99999"),
    });
    await expect(stream(context, strict)).rejects.toMatchObject({ reason: "TOO_MANY_ERRORS" });
    const allowed = specSource({ collection: "docs", format: "text", errorHandling: { maxErrors: 2 } });
    expect((await stream(context, allowed)).ids).toHaveLength(20);
  });

  test("waits for its turn beyond concurrent_builds", async () => {
    const { context } = opened;
    await upsert(context, 1, "docs", records.slice(0, 300));
    const many = [1, 2, 3, 4, 5, 6].map((n) =>
      specSource({ collection: "docs", format: "text", quality: { minTextLength: n } }),
    );
    const streamed = await Promise.all(many.map((one) => stream(context, one)));
    expect(new Set(streamed.map(({ header }) => header.snapshot)).size).toBe(6);
    expect(new Set(streamed.map(({ footer }) => String(footer?.snapshotDigest))).size).toBe(1);
  });
});

describe("a snapshot", () => {
  test("is listed newest first, by page and by dataset", async () => {
    const { context } = opened;
    await upsert(context, 1, "docs", records.slice(0, 5));
    const keys: string[] = [];
    for (const minTextLength of [1, 2, 3]) {
      now += 1_000_000n;
      const one = specSource({ collection: "docs", format: "text", quality: { minTextLength } });
      keys.unshift((await buildSnapshot(context, 1, one, undefined)).key);
    }
    const first = await listSnapshots(context, 1, { limit: 2, dataset: "", end: undefined });
    const second = await listSnapshots(context, 1, { limit: 2, dataset: "", end: first.next });
    expect([...first.snapshots, ...second.snapshots].map(({ key }) => key)).toEqual(keys);
    expect(second.next).toBeUndefined();
    expect((await listSnapshots(context, 1, { limit: 2, dataset: "none", end: undefined })).snapshots).toEqual([]);
    expect((await listSnapshots(context, 2, { limit: 2, dataset: "", end: undefined })).snapshots).toEqual([]);
  });

  test("is found by eight digits or more", async () => {
    const { context } = opened;
    await upsert(context, 1, "docs", records.slice(0, 5));
    const { key } = await buildSnapshot(context, 1, source, undefined);
    expect((await getSnapshot(context, 1, key.slice(0, 9))).key).toBe(key);
    await expect(getSnapshot(context, 1, key.slice(0, 7))).rejects.toMatchObject({ reason: "FIELD_INVALID" });
    await expect(getSnapshot(context, 1, `${key}0`)).rejects.toMatchObject({ reason: "FIELD_INVALID" });
    await expect(getSnapshot(context, 1, "0123456789")).rejects.toMatchObject({ reason: "SNAPSHOT_NOT_FOUND" });
    await expect(getSnapshot(context, 2, key)).rejects.toMatchObject({ reason: "SNAPSHOT_NOT_FOUND" });
  });

  test("is deleted with its files, not while it is read; its resume points have expired then", async () => {
    const { context } = opened;
    await upsert(context, 1, "docs", records.slice(0, 200));
    const whole = await stream(context, source);
    const key = whole.header.snapshot;
    const reading = openStream(context, source);
    await reading.next();
    await expect(deleteSnapshot(context, 1, key)).rejects.toMatchObject({
      reason: "SNAPSHOT_IN_USE",
      metadata: { streams: "1" },
    });
    await reading.return(undefined);
    await deleteSnapshot(context, 1, key);
    expect(await blockFiles()).toEqual([]);
    expect((await listSnapshots(context, 1, { limit: 9, dataset: "", end: undefined })).snapshots).toEqual([]);
    await expect(stream(context, source, { after: whole.header, nextIndex: 3 })).rejects.toMatchObject({
      reason: "SNAPSHOT_EXPIRED",
    });
    expect((await stream(context, source)).lines).toEqual(whole.lines);
    expect((await stream(context, source, { after: whole.header, nextIndex: 3 })).lines).toEqual(whole.lines.slice(3));
  });

  test("is deleted while it is built", async () => {
    const { context } = opened;
    await upsert(context, 1, "docs", records);
    const { key } = await buildSnapshot(context, 1, source, undefined);
    await deleteSnapshot(context, 1, key);
    expect(await blockFiles()).toEqual([]);
    expect(await store.pins(1)).toEqual([]);
    await expect(getSnapshot(context, 1, key)).rejects.toMatchObject({ reason: "SNAPSHOT_NOT_FOUND" });
  });

  test("shares equal blocks with others, and takes with it only what nobody else needs", async () => {
    const { context } = opened;
    await upsert(context, 1, "docs", records.slice(0, 200));
    const [first, other] = [1, 2].map((minTextLength) =>
      specSource({ collection: "docs", format: "text", quality: { minTextLength } }),
    ) as [SampleSource, SampleSource];
    const [one, two] = [await stream(context, first), await stream(context, other)];
    const files = await blockFiles();
    expect(files).toHaveLength(await blockCount(context, one.header.snapshot));
    await deleteSnapshot(context, 1, one.header.snapshot);
    expect(await blockFiles()).toEqual(files);
    expect((await stream(context, other)).lines).toEqual(two.lines);
    await deleteSnapshot(context, 1, two.header.snapshot);
    expect(await blockFiles()).toEqual([]);
  });

  test("of a stream lives a day after its last reading, and is swept then", async () => {
    const { context } = opened;
    await upsert(context, 1, "docs", records.slice(0, 50));
    const { header } = await stream(context, source);
    const hour = 3_600_000_000n;
    now += 20n * hour;
    await stream(context, source);
    now += 20n * hour;
    expect((await getSnapshot(context, 1, header.snapshot)).state).toBe(Snapshot_State.STATE_SEALED);
    now += 5n * hour;
    await expect(stream(context, source, { after: header, nextIndex: 0 })).rejects.toMatchObject({
      reason: "SNAPSHOT_EXPIRED",
    });
    await reopen();
    await expect.poll(blockFiles).toEqual([]);
  });

  test("whose bytes are damaged is not streamed", async () => {
    await upsert(opened.context, 1, "docs", records.slice(0, 200));
    await stream(opened.context, source);
    const [file] = await blockFiles();
    const handle = await open(file ?? "", "r+");
    await handle.write("?", 100_000);
    await handle.close();
    const context = await reopen();
    await expect(stream(context, source)).rejects.toMatchObject({ reason: "CONTENT_DAMAGED" });
  });

  test("whose blocks are in another folder says that servers of one store share it", async () => {
    await upsert(opened.context, 1, "docs", records.slice(0, 200));
    await stream(opened.context, source);
    await using other = await openTestContext({ store, clock });
    await expect(stream(other.context, source)).rejects.toThrow("must share the folder blocks");
  });
});

test("the sweep removes old files that nothing names, and no young ones", async () => {
  const { context } = opened;
  await upsert(context, 1, "docs", records.slice(0, 200));
  await stream(context, source);
  const files = await blockFiles();
  const building = join(folder, "blocks", "building", "1-00-0");
  const orphan = join(folder, "blocks", "1", "ab", "ab".repeat(32));
  const young = join(folder, "blocks", "1", "ab", "ac".repeat(32));
  const table = join(folder, "blocks", "tables", "1", "ad".repeat(32));
  await mkdir(join(folder, "blocks", "1", "ab"), { recursive: true });
  for (const path of [building, orphan, young, table]) await (await open(path, "w")).close();
  for (const path of [building, orphan, table, ...files]) await utimes(path, 1, 1);
  await reopen();
  await expect.poll(async () => (await blockFiles()).sort()).toEqual([...files, young].sort());
  await expect.poll(() => existsSync(table)).toBe(false);
});

async function isSealed(context: ExportContext, key: string): Promise<boolean> {
  return (await getSnapshot(context, 1, key)).state === Snapshot_State.STATE_SEALED;
}

async function drainOf(frames: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of frames);
}
