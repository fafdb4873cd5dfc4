import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { StoredBlock } from "../../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { type ExpectedSample, expectedSnapshot } from "../../../../test/support/expected-snapshot.ts";
import { limits } from "../../../kit/limits.ts";
import { StatisticsBuilder } from "../../rendering/statistics.ts";
import { Assembler } from "./assembler.ts";
import type { BuiltBlock } from "./block-builder.ts";
import { BlockWriter } from "./block-writer.ts";
import { ChunkBuilder } from "./chunk-builder.ts";
import type { BuiltPage } from "./page-builder.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loraloop-assembler-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

interface Options {
  readonly skipDuplicates?: boolean;
  readonly deduplicatedSamples?: number;
  readonly weighted?: boolean;
  readonly maxErrors?: number;
}

class Recorded {
  readonly pages: BuiltPage[] = [];
  readonly blocks: { readonly built: BuiltBlock; readonly stored: StoredBlock; readonly bytes: Buffer }[] = [];
  readonly assembler: Assembler;

  constructor(options: Options = {}, last?: StoredBlock) {
    const earlier = last?.statistics;
    this.assembler = new Assembler({
      skipDuplicates: options.skipDuplicates ?? false,
      deduplicatedSamples: options.deduplicatedSamples ?? limits.deduplicated_samples,
      takeMemory: () => undefined,
      weighted: options.weighted ?? false,
      maxErrors: options.maxErrors,
      statistics: earlier === undefined ? new StatisticsBuilder(["theme"]) : StatisticsBuilder.from(earlier),
      finishStatistics: (statistics) => statistics,
      openBlock: (firstSample) => new BlockWriter(join(folder, String(firstSample))),
      onPage: (page) => this.pages.push(page),
      onBlock: (built) => {
        const bytes = readFileSync(join(folder, String(built.firstSample)));
        this.blocks.push({ built, stored: StoredBlock.decode(built.index), bytes });
      },
    });
  }

  /** Adds the samples in chunks of these sizes in turn; a `drop` before each id that ends in 3. */
  add(samples: readonly ExpectedSample[], sizes: readonly number[] = [1000]): this {
    const chunks = new ChunkBuilder();
    let number = 0;
    for (let start = 0; start < samples.length; number += 1) {
      const size = sizes[number % sizes.length] as number;
      for (const { id, line, weightMicros } of samples.slice(start, start + size)) {
        if (id.endsWith("3")) chunks.dropped(0);
        chunks.sample(id, {
          line,
          content: line,
          weightMicros: weightMicros ?? 1e6,
          weightBytes: 0,
          schemaInvalid: false,
        });
      }
      this.assembler.add(chunks.take({ number, complete: true, last: false }));
      start += size;
    }
    return this;
  }

  finish(): string {
    return Buffer.from(this.assembler.finish().digest).toString("hex");
  }
}

function samplesOf(count: number, lineLength: (n: number) => number): ExpectedSample[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `id-${String(n).padStart(6, "0")}`,
    line: JSON.stringify({ text: `${n}`.padEnd(lineLength(n), "ü") }),
  }));
}

test("cuts pages as an independent computation does, however the samples come in chunks", () => {
  const samples = samplesOf(4000, (n) => (n % 500 === 0 ? 150_000 : (n * 37) % 900));
  const expected = expectedSnapshot(samples);
  for (const sizes of [[4000], [1, 7, 64], [999]]) {
    const recorded = new Recorded().add(samples, sizes);
    expect(recorded.finish()).toBe(expected.digest);
    expect(recorded.pages.map(({ count }) => count)).toEqual(expected.pages.map((page) => page.length));
    const bytes = Buffer.concat(recorded.blocks.map((block) => block.bytes));
    expect(bytes.equals(Buffer.from(expected.samples.map(({ line }) => `${line}\n`).join("")))).toBe(true);
  }
});

test("of duplicates keeps the one with the smallest id", () => {
  const samples = samplesOf(3000, () => 200).map((sample, n) => ({ ...sample, line: `{"text":"${(n * 7) % 1000}"}` }));
  const expected = expectedSnapshot(samples, true);
  const recorded = new Recorded({ skipDuplicates: true }).add(samples);
  expect(recorded.finish()).toBe(expected.digest);
  expect(recorded.assembler.statistics()).toMatchObject({
    scannedCount: 3300n,
    sampleCount: 1000n,
    failedCount: 2000n,
  });
  const [block] = recorded.blocks;
  expect(bitCount(block?.stored.keptBits ?? new Uint8Array())).toBe(1000);
});

test("deduplicated_samples is inclusive; duplicates do not count, and the samples of earlier sessions do", () => {
  const options = { skipDuplicates: true, deduplicatedSamples: 30 };
  const message = "A snapshot with deduplication has at most 30 samples (deduplicated_samples).";
  const fits = [...samplesOf(30, () => 100), ...samplesOf(30, () => 100)];
  const whole = new Recorded(options).add(fits);
  expect(whole.finish()).toBe(expectedSnapshot(samplesOf(30, () => 100)).digest);
  expect(() => new Recorded(options).add(samplesOf(31, () => 100))).toThrow(message);
  const others = samplesOf(31, () => 100);
  expect(new Recorded({ deduplicatedSamples: 30 }).add(others).finish()).toBe(expectedSnapshot(others).digest);
  const [block] = whole.blocks;
  const resumed = new Recorded(options, block?.stored);
  resumed.assembler.restore(block?.stored as StoredBlock);
  resumed.add(samplesOf(30, () => 100));
  expect(() => resumed.add(samplesOf(31, () => 100).slice(30))).toThrow(message);
});

test("weights are part of the digest", () => {
  const samples = samplesOf(500, () => 300).map((sample, n) => ({ ...sample, weightMicros: 1_000_000 + n }));
  expect(new Recorded({ weighted: true }).add(samples).finish()).toBe(expectedSnapshot(samples).digest);
  expect(new Recorded().add(samples).finish()).not.toBe(expectedSnapshot(samples).digest);
});

test("goes on from any of its blocks to the same blocks, statistics and digest", () => {
  const samples = samplesOf(1600, (n) => 25_000 + (n % 7)).map((sample, n) =>
    n % 5 === 0 ? { ...sample, line: `{"text":"same ${n % 3}"}` } : sample,
  );
  const whole = new Recorded({ skipDuplicates: true }).add(samples);
  const digest = whole.finish();
  expect(whole.blocks.length).toBeGreaterThan(2);
  for (const place of [0, whole.blocks.length - 2]) {
    const { stored } = whole.blocks[place] as (typeof whole.blocks)[number];
    const resumed = new Recorded({ skipDuplicates: true }, stored);
    for (const block of whole.blocks.slice(0, place + 1)) resumed.assembler.restore(block.stored);
    resumed.add(samples.filter(({ id }) => id >= stored.nextId));
    expect(resumed.finish()).toBe(digest);
    expect(resumed.assembler.statistics()).toEqual(whole.assembler.statistics());
    expect(resumed.blocks.map((block) => block.stored.digest)).toEqual(
      whole.blocks.slice(place + 1).map((block) => block.stored.digest),
    );
  }
});

test("an empty collection has an empty snapshot and no block", () => {
  const recorded = new Recorded();
  expect(recorded.finish()).toBe(expectedSnapshot([]).digest);
  expect(recorded.blocks).toEqual([]);
});

test("fails at one error more than allowed", () => {
  const chunks = new ChunkBuilder();
  const { assembler } = new Recorded({ maxErrors: 2 });
  for (const id of ["a", "b"]) chunks.rejected({ id, reason: 1, problem: "Missing required field 'output'" });
  assembler.add(chunks.take({ number: 0, complete: true, last: false }));
  chunks.rejected({ id: "c", reason: 9, problem: "Text too short (5 chars)" });
  chunks.rejected({ id: "d", reason: 1, problem: "Missing required field 'output'" });
  expect(() => assembler.add(chunks.take({ number: 1, complete: true, last: false }))).toThrow(
    "3 records have errors, 2 are allowed; the last is d",
  );
});

function bitCount(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
}
