import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Footer_Reason } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { type ExpectedSample, expectedSnapshot } from "../../../test/support/expected-snapshot.ts";
import { openTestContext, type TestContext } from "../../../test/support/export-context.ts";
import { openStream, specSource, stream, type TestRecord, upsert } from "../../../test/support/samples.ts";
import { configOf } from "../../../test/support/stores.ts";
import { openStore } from "../../store/open-store.ts";
import type { Store } from "../../store/store.ts";
import { deleteRecords } from "./delete-records.ts";

const kinds = ["memory", "rocksdb", "postgres"] as const;
/** The snapshot of the same records and `as_of` is the same on every store. */
const digests = new Map<string, string>();

function recordsOf(count: number): TestRecord[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `doc ${n % 10}/${String(n).padStart(5, "0")}-ä`,
    fields: {
      instruction: `Frage ${n}`,
      output: n % 50 === 0 ? "twice" : "x".repeat((n * 131) % 3000),
      theme: n % 4 === 0 ? "law" : "tax",
      created_at: `2025-0${1 + (n % 9)}-01`,
    },
  }));
}

function expectedOf(records: readonly TestRecord[]): ExpectedSample[] {
  return records
    .filter(({ fields }) => fields["theme"] === "tax")
    .map(({ id, fields }) => ({
      id,
      line: JSON.stringify({ instruction: fields["instruction"], output: fields["output"] }),
    }));
}

const source = specSource({
  collection: "docs",
  format: "instruction",
  selection: { conditions: [{ field: "theme", values: ["tax"] }] },
  quality: { skipDuplicates: true },
});

describe.each(kinds)("StreamSamples over %s", (kind) => {
  let folder: string;
  let store: Store;
  let opened: TestContext;
  const records = recordsOf(2500);
  const expected = expectedSnapshot(expectedOf(records), true);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "loraloop-stream-"));
    store = await openStore(configOf(kind, folder));
    opened = await openTestContext({ store, dataDirectory: folder });
    await upsert(opened.context, 1, "docs", records);
    await upsert(opened.context, 2, "docs", records.slice(0, 10));
  });

  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
    await store.close();
    await rm(folder, { recursive: true });
  });

  test("streams what an independent computation gives, while building and again when sealed", async () => {
    for (const sampleCount of [undefined, BigInt(expected.samples.length)]) {
      const streamed = await stream(opened.context, source);
      expect(streamed.header).toMatchObject({ sampleCount, weighted: false, format: "instruction" });
      expect(streamed.lines).toEqual(expected.samples.map(({ line }) => line));
      expect(streamed.ids).toEqual(expected.samples.map(({ id }) => id));
      expect(streamed.weights).toEqual([]);
      expect(streamed.footer).toMatchObject({
        reason: Footer_Reason.REASON_END,
        nextIndex: BigInt(expected.samples.length),
        sampleCount: BigInt(expected.samples.length),
      });
      expect(Buffer.from(streamed.footer?.snapshotDigest ?? []).toString("hex")).toBe(expected.digest);
      expect(streamed.footer?.statistics).toMatchObject({
        scannedCount: 2500n,
        selectedCount: BigInt(expectedOf(records).length),
        sampleCount: BigInt(expected.samples.length),
        dropped: [{ count: 625n }],
      });
    }
  });

  test("weights: equal records and as_of give one digest on every store", async () => {
    const weighted = {
      ...specSource({
        collection: "docs",
        format: "instruction",
        weighting: { freshness: { timestampField: "created_at" } },
      }),
      asOf: { seconds: 1_760_000_000n, nanos: 0 },
    };
    const streamed = await stream(opened.context, weighted);
    expect(streamed.header.weighted).toBe(true);
    expect(new Set(streamed.weights).size).toBe(9);
    digests.set(kind, Buffer.from(streamed.footer?.snapshotDigest ?? []).toString("hex"));
    expect(new Set(digests.values()).size).toBe(1);
    expect(streamed.footer?.snapshotDigest).toHaveLength(32);
  });

  test("batch_size bounds the samples of a batch and changes nothing else", async () => {
    const streamed = await stream(opened.context, source, { maxSamples: 7 });
    expect(Math.max(...streamed.batches.map(({ ids }) => ids.length))).toBe(7);
    expect(streamed.lines).toEqual(expected.samples.map(({ line }) => line));
  });

  test("goes on from any index, also after the records have changed", async () => {
    const { header } = await stream(opened.context, source);
    await deleteRecords(
      opened.context,
      1,
      "docs",
      records.slice(100, 200).map(({ id }) => id),
    );
    await upsert(opened.context, 1, "docs", [
      { id: "a new one", fields: { instruction: "new", output: "new", theme: "tax" } },
      { id: records[1]?.id ?? "", fields: { instruction: "changed", output: "changed", theme: "tax" } },
    ]);
    for (let nextIndex = 0; nextIndex <= expected.samples.length; nextIndex += 157) {
      const resumed = await stream(opened.context, source, { after: header, nextIndex });
      expect(resumed.header.snapshot).toBe(header.snapshot);
      expect(resumed.ids).toEqual(expected.samples.slice(nextIndex).map(({ id }) => id));
      expect(resumed.lines.at(-1)).toBe(expected.samples.slice(nextIndex).at(-1)?.line);
    }
    const fresh = await stream(opened.context, source);
    expect(fresh.header.snapshot).not.toBe(header.snapshot);
    expect(fresh.ids).toContain("a new one");
    await upsert(opened.context, 1, "docs", records.slice(0, 200));
  });

  test("refuses a resume point field by field", async () => {
    const { header } = await stream(opened.context, source);
    const other = { ...source, allowOpenIngest: true };
    const beyond = expected.samples.length + 1_000;
    const resume = header.resume as NonNullable<typeof header.resume>;
    const refused = async (change: object, reason: string, from = source, tenant = 1): Promise<void> => {
      const after = { ...header, resume: { ...resume, ...change } };
      const nextIndex = "nextIndex" in change ? Number(change.nextIndex) : 0;
      await expect(stream(opened.context, from, { after, nextIndex, tenant })).rejects.toMatchObject({ reason });
    };
    await refused({ format: 2 }, "RESUME_FORMAT_UNKNOWN");
    await refused({ store: "0".repeat(32) }, "RESUME_OTHER_STORE");
    await refused({ incarnation: "0".repeat(32) }, "RESUME_OTHER_INCARNATION");
    await refused({ requestHash: "0".repeat(64) }, "RESUME_OTHER_REQUEST");
    await refused({}, "RESUME_OTHER_REQUEST", other);
    await refused({ plan: "0".repeat(64) }, "RESUME_PLAN_UNKNOWN");
    await refused({ plan: "../../etc/passwd" }, "RESUME_PLAN_UNKNOWN");
    await refused({ nextIndex: beyond }, "RESUME_BEYOND_END");
    await refused({}, "RESUME_PLAN_UNKNOWN", source, 2);
  });

  test("a tenant sees its own records and snapshots only", async () => {
    const mine = await stream(opened.context, source);
    const theirs = await stream(opened.context, source, { tenant: 2 });
    expect(theirs.ids.length).toBeLessThan(10);
    const snapshot = { ...source, source: { $case: "snapshot", value: mine.header.snapshot } as const };
    expect((await stream(opened.context, snapshot)).ids).toEqual(mine.ids);
    await expect(stream(opened.context, snapshot, { tenant: 2 })).rejects.toMatchObject({
      reason: "SNAPSHOT_NOT_FOUND",
    });
  });

  test("a drain ends it in-band with the index to go on from", async () => {
    const drain = new AbortController();
    const frames = [];
    for await (const frame of openStream(opened.context, source, { drain: drain.signal, maxSamples: 100 })) {
      frames.push(frame.frame);
      if (frames.length === 3) drain.abort();
    }
    // One batch was read ahead.
    expect(frames.map((frame) => frame?.$case)).toEqual(["header", "batch", "batch", "batch", "footer"]);
    const [header, , , , footer] = frames;
    if (header?.$case !== "header" || footer?.$case !== "footer") throw new Error("header and footer");
    expect(footer.value).toMatchObject({ reason: Footer_Reason.REASON_DRAIN });
    const nextIndex = Number(footer.value.nextIndex);
    expect(nextIndex).toBe(Number(footer.value.sampleCount));
    const rest = await stream(opened.context, source, { after: header.value, nextIndex });
    expect(rest.ids[0]).toBe((await stream(opened.context, source)).ids[nextIndex]);
  });

  test("an empty result says which condition removed everything", async () => {
    const nothing = specSource({
      collection: "docs",
      format: "instruction",
      selection: { conditions: [{ field: "theme", values: ["none"] }] },
    });
    const streamed = await stream(opened.context, nothing);
    expect(streamed.ids).toEqual([]);
    expect(streamed.footer?.statistics?.hint).toContain("theme");
  });
});
