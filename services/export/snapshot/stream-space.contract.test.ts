import { afterEach, beforeEach, expect, test } from "vitest";
import type { SampleSource } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { bigRecords } from "../../../test/support/big-records.ts";
import { openTestContext, type TestContext } from "../../../test/support/export-context.ts";
import { runRequest } from "../../../test/support/runs.ts";
import { openStream, specSource, stream, upsert } from "../../../test/support/samples.ts";
import { openStore } from "../../store/open-store.ts";
import type { Clock, Store } from "../../store/store.ts";
import { buildSnapshot } from "../commands/build-snapshot.ts";
import { getSnapshot } from "../commands/get-snapshot.ts";
import { openRun } from "../commands/open-run.ts";

const sourceOf = (minTextLength: number): SampleSource =>
  specSource({ collection: "docs", format: "text", quality: { minTextLength } });
let store: Store;
let opened: TestContext;
let now: bigint;
const clock: Clock = { now: () => now };

beforeEach(async () => {
  now = BigInt(Date.now()) * 1000n;
  store = await openStore({ kind: "memory" }, clock);
  // 100 samples of 24 kB each: the budget holds two snapshots.
  opened = await openTestContext({ store, clock, streamSnapshotsGib: 5.5e6 / 1024 ** 3 });
  await upsert(opened.context, 1, "docs", bigRecords.slice(0, 100));
});

afterEach(async () => {
  await opened[Symbol.asyncDispose]();
  await store.close();
});

/** The snapshot of a stream that was read to its end. */
async function streamed(minTextLength: number): Promise<string> {
  now += 60_000_000n;
  return (await stream(opened.context, sourceOf(minTextLength))).header.snapshot;
}

function exists(snapshot: string): Promise<boolean> {
  return getSnapshot(opened.context, 1, snapshot).then(
    () => true,
    () => false,
  );
}

test("above the budget the longest unread snapshot of a stream goes; those of BuildSnapshot do not count", async () => {
  const kept = (await buildSnapshot(opened.context, 1, sourceOf(1), undefined)).key;
  const [first, second, third] = [await streamed(2), await streamed(3), await streamed(4)];
  expect(await Promise.all([kept, first, second, third].map(exists))).toEqual([true, false, true, true]);
  expect((await stream(opened.context, sourceOf(2))).lines).toHaveLength(100);
});

test("what is read stays; with no other left the stream ends with LIMIT_EXCEEDED, and goes on later", async () => {
  const [first, second] = [await streamed(2), await streamed(3)];
  const readers = [2, 3].map((n) => openStream(opened.context, sourceOf(n)));
  for (const reader of readers) await reader.next();
  await expect(streamed(4)).rejects.toMatchObject({
    reason: "LIMIT_EXCEEDED",
    metadata: { limit: "stream_snapshots_gib" },
    retryAfterSeconds: 30,
  });
  expect(await Promise.all([first, second].map(exists))).toEqual([true, true]);
  for (const reader of readers) await reader.return(undefined);
  expect(await exists(await streamed(4))).toBe(true);
  expect(await exists(first)).toBe(false);
});

test("what a run holds stays, however long nobody read it", async () => {
  const held = await streamed(2);
  const source: SampleSource = { ...sourceOf(1), source: { $case: "snapshot", value: held } };
  await openRun(opened.context, 1, runRequest("a", { source }), new AbortController().signal);
  const second = await streamed(3);
  await streamed(4);
  expect(await Promise.all([held, second].map(exists))).toEqual([true, false]);
});

test("where runs hold all the room, the error names them", async () => {
  for (const [run, minTextLength] of [
    ["a", 2],
    ["b", 3],
  ] as const) {
    const source: SampleSource = {
      ...sourceOf(1),
      source: { $case: "snapshot", value: await streamed(minTextLength) },
    };
    await openRun(opened.context, 1, runRequest(run, { source }), new AbortController().signal);
  }
  const refused = await streamed(4).catch((error: unknown) => error);
  expect(refused).toMatchObject({
    reason: "LIMIT_EXCEEDED",
    message: expect.stringMatching(/Some are held: (run\/a, run\/b|run\/b, run\/a);/),
  });
});
