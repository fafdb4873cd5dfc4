import { access, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Snapshot_State } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { bigRecords, bigSource as source } from "../../../test/support/big-records.ts";
import { openTestContext, type TestContext } from "../../../test/support/export-context.ts";
import { specSource, stream, upsert } from "../../../test/support/samples.ts";
import { openStore } from "../../store/open-store.ts";
import type { Clock, Store } from "../../store/store.ts";
import { buildSnapshot } from "../commands/build-snapshot.ts";
import { deleteSnapshot } from "../commands/delete-snapshot.ts";
import { getSnapshot } from "../commands/get-snapshot.ts";
import { snapshotKey } from "../keys.ts";
import { BlockFiles } from "./blocks/block-files.ts";
import { OpenFiles } from "./blocks/open-files.ts";
import { blockRange } from "./blocks/stored-blocks.ts";
import { SnapshotRemover } from "./remove-snapshot.ts";
import { sweep } from "./sweeper.ts";

const never = new AbortController().signal;
const day = 24n * 3_600_000_000n;
let folder: string;
let store: Store;
let opened: TestContext;
let now: bigint;
const clock: Clock = { now: () => now };

beforeEach(async () => {
  now = BigInt(Date.now()) * 1000n;
  folder = await mkdtemp(join(tmpdir(), "loraloop-remove-"));
  store = await openStore({ kind: "memory" }, clock);
  opened = await openTestContext({ store, dataDirectory: folder, clock });
});

afterEach(async () => {
  await opened[Symbol.asyncDispose]();
  await store.close();
  await rm(folder, { recursive: true });
});

/** A sweep whose first page of snapshots gets old before it is looked at. */
async function sweepAfter(between: () => Promise<unknown>): Promise<void> {
  const { snapshots, log } = opened.context;
  let pending: (() => Promise<unknown>) | undefined = between;
  const old = new Proxy(store, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (name !== "scan") return typeof member === "function" ? member.bind(target) : member;
      return async (...args: Parameters<Store["scan"]>) => {
        const page = await target.scan(...args);
        const run = pending;
        pending = undefined;
        await run?.();
        return page;
      };
    },
  });
  const files = new BlockFiles(folder, store, new OpenFiles(), false);
  const { builds, tables, uses } = snapshots;
  const remover = new SnapshotRemover({ store, files, tables, builds });
  await sweep({ store: old, clock, log, files, builds, uses, remover, tenants: async () => [1] }, never);
}

test("the sweep spares a snapshot that was made again since it looked", async () => {
  const { context } = opened;
  await upsert(context, 1, "docs", bigRecords.slice(0, 50));
  const { header } = await stream(context, source);
  now += 2n * day;
  await sweepAfter(() => buildSnapshot(context, 1, source, undefined));
  const kept = await getSnapshot(context, 1, header.snapshot);
  expect(kept.expireTime).toBeUndefined();
  expect((await stream(context, source)).header.snapshot).toBe(header.snapshot);
});

test("the sweep spares a snapshot that was renewed since it looked", async () => {
  const { context } = opened;
  await upsert(context, 1, "docs", bigRecords.slice(0, 50));
  const { header, lines } = await stream(context, source);
  now += 2n * day;
  await sweepAfter(() => context.snapshots.renew(1, Buffer.from(header.snapshot, "hex")));
  expect((await stream(context, source, { after: header, nextIndex: 0 })).lines).toEqual(lines);
});

test("many who ask for an expired snapshot at once get one new one", async () => {
  const { context } = opened;
  await upsert(context, 1, "docs", bigRecords.slice(0, 50));
  const { header, lines } = await stream(context, source);
  now += 2n * day;
  const again = await Promise.all([1, 2, 3].map(() => stream(context, source)));
  for (const one of again) expect(one).toMatchObject({ lines, header: { snapshot: header.snapshot } });
});

test("a build does not bring back a snapshot that another process removes, and leaves nothing", async () => {
  const { context } = opened;
  await upsert(context, 1, "docs", bigRecords);
  const { key } = await buildSnapshot(context, 1, source, undefined);
  const bytes = Buffer.from(key, "hex");
  const build = context.snapshots.builds.running(1, bytes);
  await build?.changed.wait(10_000, never);
  const other = await openTestContext({ store, dataDirectory: folder, clock });
  await other.context.snapshots.delete(1, bytes);
  await build?.ended;
  expect(build?.failure).toBeDefined();
  expect(await store.get(1, snapshotKey(bytes))).toBeUndefined();
  expect((await store.scan(1, blockRange(bytes))).entries).toEqual([]);
  expect(await finishedBlocks()).toEqual([]);
  await other[Symbol.asyncDispose]();
});

test("a removal that was broken off is ended by the next request, which builds anew", async () => {
  const { context } = opened;
  await upsert(context, 1, "docs", bigRecords.slice(0, 50));
  const { header, lines } = await stream(context, source);
  const broken = new Error("broken off");
  const files = Object.assign(new BlockFiles(folder, store, new OpenFiles(), false), {
    removeUnused: () => Promise.reject(broken),
  });
  const remover = new SnapshotRemover({
    store,
    files,
    tables: context.snapshots.tables,
    builds: context.snapshots.builds,
  });
  await expect(remover.remove(1, Buffer.from(header.snapshot, "hex"), () => true)).rejects.toBe(broken);
  await expect(getSnapshot(context, 1, header.snapshot)).rejects.toMatchObject({ reason: "SNAPSHOT_NOT_FOUND" });
  expect((await stream(context, source)).lines).toEqual(lines);
});

test("a snapshot whose build waits for its turn is deleted at once", async () => {
  const { context } = opened;
  await upsert(context, 1, "docs", bigRecords);
  const keys: string[] = [];
  for (const minTextLength of [1, 2, 3, 4, 5]) {
    const one = specSource({ collection: "docs", format: "text", quality: { minTextLength } });
    keys.push((await buildSnapshot(context, 1, one, undefined)).key);
  }
  await deleteSnapshot(context, 1, keys[4] ?? "");
  const states = await Promise.all(keys.slice(0, 4).map(async (key) => (await getSnapshot(context, 1, key)).state));
  expect(states).toContain(Snapshot_State.STATE_BUILDING);
});

async function finishedBlocks(): Promise<string[]> {
  const tenant = join(folder, "blocks", "1");
  const exists = await access(tenant).then(
    () => true,
    () => false,
  );
  if (!exists) return [];
  const names = await readdir(tenant, { recursive: true, withFileTypes: true });
  return names.filter((name) => name.isFile()).map(({ name }) => name);
}
