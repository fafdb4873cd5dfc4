import { expect, test } from "vitest";
import { AdaptiveSampling } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { adaptiveWeights, productMicros, SampleLosses } from "./adaptive-weights.ts";

function lossesOf(...losses: readonly (readonly number[])[]): SampleLosses {
  const all = new SampleLosses(losses.length);
  for (const [sample, given] of losses.entries()) for (const loss of given) all.add(sample, loss);
  return all;
}

const sampling = AdaptiveSampling.fromPartial({});

test("weights are losses by their mean, within bounds", async () => {
  const weights = await adaptiveWeights(lossesOf([1], [2], [3], [0], [24]), sampling);
  expect([...weights]).toEqual([250_000, 333_333, 500_000, 250_000, 4_000_000]);
});

test("a sample without a loss weighs as one with the mean, copies have their mean, negative ones are none", async () => {
  const weights = await adaptiveWeights(lossesOf([], [1, 3], [4, -1], [-7], [Number.NaN]), sampling);
  expect([...weights]).toEqual([1_000_000, 666_667, 1_333_333, 1_000_000, 1_000_000]);
});

test("the exponent sharpens or levels, the bounds hold", async () => {
  const losses = lossesOf([1], [3]);
  expect([...(await adaptiveWeights(losses, { ...sampling, exponent: 2 }))]).toEqual([250_000, 2_250_000]);
  expect([...(await adaptiveWeights(losses, { ...sampling, exponent: 0 }))]).toEqual([1_000_000, 1_000_000]);
  const bounds = { ...sampling, minimum: 0.75, maximum: 1.25 };
  expect([...(await adaptiveWeights(losses, bounds))]).toEqual([750_000, 1_250_000]);
});

test("all count alike where nothing was said, or nothing was lost", async () => {
  expect([...(await adaptiveWeights(lossesOf([], []), sampling))]).toEqual([1_000_000, 1_000_000]);
  expect([...(await adaptiveWeights(lossesOf([0], [0]), sampling))]).toEqual([1_000_000, 1_000_000]);
});

test("products stay in 32 bits", () => {
  expect(productMicros(2_000_000, 1_500_000)).toBe(3_000_000);
  expect(productMicros(64_000_000, 4_000_000_000)).toBe(2 ** 32 - 1);
});
