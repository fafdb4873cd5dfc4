import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { expect } from "vitest";
import {
  type DeepPartial,
  PlanSpec,
  SampleSource,
  type StreamSamplesResponse,
} from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { openStore, type StoreConfig } from "../../services/store/open-store.ts";
import type { Store } from "../../services/store/store.ts";
import { openTestContext, type TestContext } from "./export-context.ts";
import { openStream, type StreamOptions, specSource, type TestRecord, upsert } from "./samples.ts";
import { configOf } from "./stores.ts";

export const never = new AbortController().signal;
export const COUNT = 3000;

/** One id in ten is too long for a table's entry, one just fits (38 bytes), and one just does not. */
export const records: TestRecord[] = Array.from({ length: COUNT }, (_, n) => ({
  id: `${n % 10 === 0 ? `${"long ".repeat(20)}` : ""}${String(n).padStart(5, "0")}-ü${{ 1: "x".repeat(30), 2: "x".repeat(31) }[n % 10] ?? ""}`,
  fields: { text: `Text ${n} ${"x".repeat((n * 131) % 900)}`, weight: 1 + (n % 4), theme: n % 3 === 0 ? "law" : "tax" },
}));
export const linesOf = new Map(records.map(({ id, fields }) => [id, JSON.stringify({ text: fields["text"] })]));
export const all = specSource({ collection: "docs", format: "text", weighting: { weightField: "weight" } });
export const law = specSource({
  collection: "docs",
  format: "text",
  selection: { conditions: [{ field: "theme", values: ["law"] }] },
});
export const tax = specSource({
  collection: "docs",
  format: "text",
  selection: { conditions: [{ field: "theme", values: ["tax"] }] },
});

export interface Sample {
  readonly index: number;
  readonly id: string;
  readonly line: string;
  readonly weight: number | undefined;
}

/** What a test has open. */
export let folder: string;
export let store: Store;
export let opened: TestContext;

export async function open(kind: StoreConfig["kind"]): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), "loraloop-plan-"));
  store = await openStore(configOf(kind, folder));
  opened = await openTestContext({ store, dataDirectory: folder });
  await upsert(opened.context, 1, "docs", records);
}

/** As after a restart: nothing of a table is in memory. */
export async function reopen(): Promise<void> {
  await opened[Symbol.asyncDispose]();
  opened = await openTestContext({ store, dataDirectory: folder });
}

export async function close(): Promise<void> {
  await opened[Symbol.asyncDispose]();
  await store.close();
  await rm(folder, { recursive: true });
}

export const plan = (given: DeepPartial<PlanSpec>): PlanSpec => PlanSpec.fromPartial(given);

export async function framesOf(
  source: typeof all | undefined,
  options: StreamOptions,
): Promise<StreamSamplesResponse[]> {
  const frames = [];
  for await (const frame of openStream(opened.context, source ?? SampleSource.fromPartial({}), options))
    frames.push(frame);
  return frames;
}

/** Every sample that came, with its index; checks the footer's digest. */
export async function samplesOf(source: typeof all | undefined, options: StreamOptions): Promise<Sample[]> {
  const found: Sample[] = [];
  const segments = createHash("sha256");
  for (const { frame } of await framesOf(source, options)) {
    if (frame?.$case === "footer") expect(frame.value.linesDigest).toEqual(new Uint8Array(segments.digest()));
    if (frame?.$case !== "batch") continue;
    const { lines, uncompressedBytes, ids, weightsMicros, indexRuns } = frame.value;
    const bytes = uncompressedBytes > 0 ? zstdDecompressSync(lines) : Buffer.from(lines);
    segments.update(createHash("sha256").update(bytes).digest());
    const texts = bytes.toString().split("\n");
    const indices = indexRuns.flatMap(({ first, count }) => Array.from({ length: count }, (_, n) => Number(first) + n));
    expect(indices.length).toBe(ids.length);
    for (const [place, id] of ids.entries()) {
      found.push({ index: indices[place] as number, id, line: texts[place] as string, weight: weightsMicros[place] });
    }
  }
  return found;
}

export async function headerOf(
  source: typeof all | undefined,
  options: StreamOptions,
): Promise<NonNullable<StreamOptions["after"]>> {
  const [first] = await framesOf(source, options);
  if (first?.frame?.$case !== "header") throw new Error("A stream begins with its header.");
  return first.frame.value;
}
