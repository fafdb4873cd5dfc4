import fc from "fast-check";
import { expect, test } from "vitest";
import { weightMicrosOf, weightText, withWeight } from "./weight-text.ts";

test.for([
  [0, "0.0"],
  [1, "0.000001"],
  [900_000, "0.9"],
  [1_000_000, "1.0"],
  [1_234_500, "1.2345"],
  [4_000_000_000, "4000.0"],
] as const)("%d is %s", ([micros, text]) => {
  expect(weightText(micros)).toBe(text);
});

test("the text reads back as the weight", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (micros) => {
      const text = weightText(micros);
      return weightMicrosOf(Number(text)) === micros && /^\d+\.\d*[1-9]$|^\d+\.0$/.test(text);
    }),
  );
});

test("rounds half up once, and takes nothing outside 0 to 4,000", () => {
  const weights = [0, 0.0000005, 4000, 4000.0000001, -1e-9, Number.NaN, Number.POSITIVE_INFINITY];
  expect(weights.map(weightMicrosOf)).toEqual([0, 1, 4_000_000_000, ...Array(4).fill(undefined)]);
});

test("the weight is the last key", () => {
  expect(withWeight('{"text":"}"}', 900_000)).toBe('{"text":"}","weight":0.9}');
  expect(withWeight("{}", 900_000)).toBe('{"weight":0.9}');
});
