import { expect, test } from "vitest";
import { decodeLosses, encodeLosses, PART_LOSSES, setLoss } from "./loss-part.ts";

const { NaN: none } = Number;

test("losses come back as they were, also from bytes that begin anywhere", () => {
  const losses = decodeLosses(new Uint8Array());
  for (const [place, loss] of [
    [0, 0],
    [5, -1.5],
    [PART_LOSSES - 1, 3.25],
  ] as const) {
    setLoss(losses, place, loss);
  }
  const encoded = encodeLosses(losses);
  const shifted = Buffer.concat([Buffer.of(1), encoded]).subarray(1);
  expect(decodeLosses(shifted)).toEqual(losses);
  expect(encoded.length).toBe(PART_LOSSES * 4);
});

test("only what was said takes room", () => {
  const losses = decodeLosses(new Uint8Array());
  expect(encodeLosses(losses).length).toBe(0);
  setLoss(losses, 2, 1);
  expect(encodeLosses(losses).length).toBe(12);
});

test("says how number and sum change", () => {
  const losses = decodeLosses(new Uint8Array());
  expect(setLoss(losses, 1, none)).toEqual({ count: 0, sum: 0 });
  expect(setLoss(losses, 1, 2)).toEqual({ count: 1, sum: 2 });
  expect(setLoss(losses, 1, 5)).toEqual({ count: 0, sum: 3 });
  expect(setLoss(losses, 1, Number.POSITIVE_INFINITY)).toEqual({ count: -1, sum: -5 });
});
