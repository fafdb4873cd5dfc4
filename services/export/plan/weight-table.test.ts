import fc from "fast-check";
import { expect, test } from "vitest";
import { copiesOf } from "./weight-table.ts";

const weights = fc.array(fc.nat({ max: 4_000_000_000 }), { minLength: 1, maxLength: 200 });

test("each sample has its share within one, n in all, in whatever parts the weights come", async () => {
  await fc.assert(
    fc.asyncProperty(weights, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(), async (given, seed, epoch) => {
      const total = given.reduce((sum, weight) => sum + weight, 0);
      const copies = await copiesOf(() => [Uint32Array.from(given)], given.length, seed, epoch);
      const halves = [given.slice(0, 3), given.slice(3)].map((part) => Uint32Array.from(part));
      expect(await copiesOf(() => halves, given.length, seed, epoch)).toEqual(copies);
      if (total === 0) return expect(copies.every((count) => count === 0)).toBe(true);
      expect(copies.reduce((sum, count) => sum + count, 0)).toBe(given.length);
      for (const [sample, count] of copies.entries()) {
        expect(Math.abs(count - (given.length * (given[sample] as number)) / total)).toBeLessThan(1);
      }
    }),
  );
});

test("epochs draw differently, and over many epochs a sample comes as often as its weight says", async () => {
  const given = Uint32Array.from([1, 2, 3, 10]);
  const totals = new Float64Array(4);
  for (let epoch = 0; epoch < 2000; epoch += 1) {
    for (const [sample, count] of (await copiesOf(() => [given], 4, 5n, epoch)).entries())
      totals[sample] = (totals[sample] as number) + count;
  }
  for (const [sample, weight] of given.entries())
    expect((totals[sample] as number) / 2000).toBeCloseTo((4 * weight) / 16, 1);
});

test("no sample comes more than 255 times", async () => {
  const given = new Uint32Array(1000);
  given[3] = 1;
  expect((await copiesOf(() => [given], 1000, 0n, 0))[3]).toBe(255);
});
