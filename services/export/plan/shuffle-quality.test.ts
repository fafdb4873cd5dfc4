import { expect, test } from "vitest";
import { PlanSpec } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { PlanOrder } from "./plan-order.ts";

/** Sorted data: 32 samples a page, ten labels of equal size one after the other, as an export sorted by class has them. */
const PAGES = 3200;
const PAGE_SAMPLES = 32;
const COUNT = PAGES * PAGE_SAMPLES;
const labelOf = (sample: number): number => Math.floor((10 * sample) / COUNT);

/** Deterministic, so that the test is. */
function fullPermutation(): number[] {
  const samples = Array.from({ length: COUNT }, (_, sample) => sample);
  let state = 1;
  for (let last = COUNT - 1; last > 0; last -= 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (last + 1));
    [samples[last], samples[other]] = [samples[other] as number, samples[last] as number];
  }
  return samples;
}

function shuffled(windowPages: number, seed = 7n): number[] {
  const spec = PlanSpec.fromPartial({ seed, shuffle: { windowPages } });
  const pageCounts = new Uint32Array(PAGES).fill(PAGE_SAMPLES);
  const pageStarts = Float64Array.from(pageCounts, (_, page) => page * PAGE_SAMPLES);
  const order = new PlanOrder(spec, [{ pageCounts, pageStarts, copies: undefined, slots: 1024 }]);
  return Array.from({ length: COUNT }, (_, index) => order.at(index).sample);
}

/** Mean length of a run of equal labels: 1 / (1 − 1/10) = 1.11 for a full permutation, 10,240 for sorted data. */
function meanRun(samples: readonly number[]): number {
  const ends = samples.filter(
    (sample, index) => index === 0 || labelOf(sample) !== labelOf(samples[index - 1] as number),
  );
  return samples.length / ends.length;
}

/** Pearson's correlation of place and sample number; 1 for sorted data. */
function correlation(samples: readonly number[], lag = 0): number {
  const mean = (COUNT - 1) / 2;
  let [product, square] = [0, 0];
  for (let index = lag; index < COUNT; index += 1) {
    const other = lag === 0 ? index : (samples[index - lag] as number);
    product += (other - mean) * ((samples[index] as number) - mean);
    square += (index - mean) ** 2;
  }
  return product / square;
}

/** Largest share that one label has of any 512 consecutive samples; 0.1 on average. */
function worstBatch(samples: readonly number[]): number {
  let worst = 0;
  for (let start = 0; start + 512 <= COUNT; start += 512) {
    const counts = new Uint32Array(10);
    for (const sample of samples.slice(start, start + 512))
      counts[labelOf(sample)] = (counts[labelOf(sample)] as number) + 1;
    worst = Math.max(worst, ...counts.map((count) => count));
  }
  return worst / 512;
}

test("on sorted data a window of all pages is as good as a full permutation, the default one within what whole pages allow", () => {
  const full = fullPermutation();
  for (const [windowPages, places] of [
    [2 ** 32 - 1, COUNT],
    [1024, PAGES],
  ] as const) {
    const samples = shuffled(windowPages);
    // Four standard deviations of the correlation of so many independent places.
    const bound = 4 / Math.sqrt(places);
    expect(meanRun(samples)).toBeCloseTo(meanRun(full), 1);
    expect(Math.abs(correlation(samples))).toBeLessThan(bound);
    expect(Math.abs(correlation(samples, 1))).toBeLessThan(bound);
    expect(worstBatch(samples)).toBeLessThan(worstBatch(full) * 1.25);
  }
});

test("a small window keeps pages together for a while, which the numbers show", () => {
  const samples = shuffled(16);
  expect(Math.abs(correlation(samples))).toBeLessThan(0.05);
  expect(meanRun(samples)).toBeLessThan(1.6);
  expect(worstBatch(samples)).toBeGreaterThan(worstBatch(fullPermutation()));
});
