import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Permutation } from "./permutation.ts";

/** Keys are digests: what a permutation makes of chosen words does not matter. */
const key = fc
  .string()
  .map((text) => new Uint32Array(Uint8Array.from(createHash("sha256").update(text).digest()).buffer));

test("is a permutation, for every size and key", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), key, fc.nat(), (count, words, part) => {
      const permutation = new Permutation(count, words, part);
      const places = Array.from({ length: count }, (_, index) => permutation.at(index));
      expect(new Set(places).size).toBe(count);
      expect(Math.max(...places)).toBe(count - 1);
    }),
  );
});

test("is another one for another key or part", () => {
  const count = 3_000;
  fc.assert(
    fc.property(key, fc.nat({ max: 6 }), (words, word) => {
      const other = Uint32Array.from(words);
      other[word] = (other[word] as number) ^ 1;
      const ours = new Permutation(count, words, 3);
      const moved = (one: Permutation): number =>
        Array.from({ length: count }, (_, index) => index).filter((index) => one.at(index) !== ours.at(index)).length;
      expect(moved(new Permutation(count, other, 3))).toBeGreaterThan(0.8 * count);
      expect(moved(new Permutation(count, words, 4))).toBeGreaterThan(0.8 * count);
    }),
  );
});

test("reaches the ends of large domains", () => {
  const permutation = new Permutation(2 ** 32, Uint32Array.from([1, 2, 3, 4, 5, 6, 7, 8]), 0);
  const places = Array.from({ length: 10_000 }, (_, index) => permutation.at(index * 400_000));
  expect(new Set(places).size).toBe(10_000);
  expect(Math.max(...places)).toBeGreaterThan(0.999 * 2 ** 32);
});
