import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type DeepPartial,
  Mixture_Exhaustion,
  PlanSpec,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { type OrderSource, PlanOrder } from "./plan-order.ts";

const pageCounts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 40 });

function sourceOf(counts: readonly number[], copies?: Uint8Array, slots = 1024): OrderSource {
  let start = 0;
  const pageStarts = Float64Array.from(counts, (count) => {
    start += count;
    return start - count;
  });
  return { pageCounts: Uint32Array.from(counts), pageStarts, copies, slots };
}

function samplesOf(order: PlanOrder): number[] {
  return Array.from({ length: order.sampleCount }, (_, index) => order.at(index).sample);
}

const spec = (given: DeepPartial<PlanSpec>): PlanSpec => PlanSpec.fromPartial(given);
const sum = (counts: Iterable<number>): number => [...counts].reduce((total, count) => total + count, 0);

test("every sample once, in snapshot order without a shuffle", () => {
  fc.assert(
    fc.property(pageCounts, (counts) => {
      expect(samplesOf(new PlanOrder(spec({}), [sourceOf(counts)]))).toEqual(
        Array.from({ length: sum(counts) }, (_, sample) => sample),
      );
    }),
  );
});

test("every sample once, in any window", () => {
  fc.assert(
    fc.property(
      pageCounts,
      fc.integer({ min: 1, max: 50 }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      (counts, windowPages, seed) => {
        const order = new PlanOrder(spec({ seed, shuffle: { windowPages } }), [sourceOf(counts)]);
        const samples = samplesOf(order);
        expect(samples.toSorted((a, b) => a - b)).toEqual(Array.from({ length: sum(counts) }, (_, sample) => sample));
        // The samples of a window's pages come together.
        const windows = Array.from(samples, (_, index) => order.at(index).window);
        expect(windows).toEqual(windows.toSorted((a, b) => a - b));
      },
    ),
  );
});

test("copies come as often as the table says", () => {
  fc.assert(
    fc.property(pageCounts, fc.boolean(), fc.infiniteStream(fc.nat({ max: 4 })), (counts, shuffled, stream) => {
      const copies = Uint8Array.from({ length: sum(counts) }, () => stream.next().value);
      const order = new PlanOrder(spec(shuffled ? { shuffle: { windowPages: 3 } } : {}), [sourceOf(counts, copies)]);
      const found = new Uint8Array(copies.length);
      for (let index = 0; index < order.sampleCount; index += 1) {
        const { sample, copy } = order.at(index);
        expect(copy).toBeLessThan(copies[sample] as number);
        found[sample] = (found[sample] as number) + 1;
      }
      expect(found).toEqual(copies);
    }),
  );
});

test("every source of a mixture comes whole before it comes again, in another order", () => {
  const sources = [sourceOf([50, 50], undefined, 768), sourceOf([30, 30, 40], undefined, 256)];
  const order = new PlanOrder(
    spec({ shuffle: { windowPages: 2 }, mixture: { exhaustion: Mixture_Exhaustion.EXHAUSTION_ALL } }),
    sources,
  );
  const ofFirst = Array.from({ length: order.sampleCount }, (_, index) => order.at(index)).filter(
    ({ source }) => source === 0,
  );
  const [once, again] = [ofFirst.slice(0, 100), ofFirst.slice(100, 200)].map((part) =>
    part.map(({ sample }) => sample),
  );
  expect(new Set(once).size).toBe(100);
  expect(new Set(again).size).toBe(100);
  expect(again).not.toEqual(once);
  expect(order.countOf(0) + order.countOf(1)).toBe(order.sampleCount);
});

test("a dropped last batch leaves whole ones", () => {
  const order = new PlanOrder(spec({ globalBatchSize: 7, dropLast: true }), [sourceOf([10, 10])]);
  expect([order.sampleCount, order.batchCount]).toEqual([14, 2]);
});

test("seed and epoch each change the order", () => {
  const orders = [{}, { seed: 1n }, { epoch: 1 }].map((given) =>
    samplesOf(new PlanOrder(spec({ ...given, shuffle: { windowPages: 4 } }), [sourceOf([40, 40, 40])])).join(),
  );
  expect(new Set(orders).size).toBe(3);
});
