import { expect, test } from "vitest";
import { byteCount } from "./byte-count.ts";

test.for<[number | string, number]>([
  [5, 5],
  ["100", 100],
  ["10GB", 10_000_000_000],
  ["1.5 kB", 1500],
  ["512MiB", 2 ** 29],
  ["2 tib", 2 ** 41],
])("%s is %i bytes", ([size, bytes]) => expect(byteCount(size)).toBe(bytes));

test.for([0, -1, Number.NaN, "", "much", "10 GG", "-1GB", "iB"])("%s is no size", (size) => {
  expect(() => byteCount(size)).toThrow(RangeError);
});
