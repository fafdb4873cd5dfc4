import fc from "fast-check";
import { expect, test } from "vitest";
import {
  BlockInterleave,
  type Interleave,
  mixtureLength,
  ProportionalInterleave,
  SLOTS,
  slotsOf,
} from "./interleave.ts";

const proportions = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 8 });
const interleave: fc.Arbitrary<{ sources: number; interleave: Interleave }> = fc.oneof(
  proportions.map((given) => ({ sources: given.length, interleave: new ProportionalInterleave(slotsOf(given)) })),
  fc
    .record({ sources: fc.integer({ min: 1, max: 5 }), block: fc.integer({ min: 1, max: 40 }) })
    .map(({ sources, block }) => ({ sources, interleave: new BlockInterleave(sources, block) })),
);

test("slots sum to 1,024 and are as near to the proportions as a slot for each allows", () => {
  fc.assert(
    fc.property(proportions, (given) => {
      const slots = slotsOf(given);
      const total = given.reduce((sum, one) => sum + one, 0);
      expect(slots.reduce((sum, one) => sum + one, 0)).toBe(SLOTS);
      for (const [source, count] of slots.entries()) {
        expect(count).toBeGreaterThanOrEqual(1);
        const share = 1 + ((SLOTS - given.length) * (given[source] as number)) / total;
        expect(Math.abs(count - share)).toBeLessThan(1);
      }
    }),
  );
});

test("each source's turns come in order, without a gap", () => {
  fc.assert(
    fc.property(interleave, ({ sources, interleave }) => {
      const next = Array.from({ length: sources }, () => 0);
      for (let index = 0; index < 2100; index += 1) {
        expect(next.map((_, source) => interleave.countOf(source, index))).toEqual(next);
        const turn = interleave.at(index);
        expect(turn.index).toBe(next[turn.source]);
        next[turn.source] = (next[turn.source] as number) + 1;
      }
    }),
    { numRuns: 10 },
  );
});

test("a source is never far from its share", () => {
  fc.assert(
    fc.property(proportions, (given) => {
      const slots = slotsOf(given);
      const mixed = new ProportionalInterleave(slots);
      for (let index = 0; index <= SLOTS; index += 1) {
        for (const [source, count] of slots.entries()) {
          expect(Math.abs(mixed.countOf(source, index) - (index * count) / SLOTS)).toBeLessThan(given.length);
        }
      }
    }),
    { numRuns: 10 },
  );
});

test("ends before the first source comes again, or when the last has come", () => {
  fc.assert(
    fc.property(
      interleave,
      fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 8, maxLength: 8 }),
      ({ sources, interleave }, sizes) => {
        const counts = sizes.slice(0, sources);
        const first = mixtureLength(interleave, counts, false);
        const all = mixtureLength(interleave, counts, true);
        const over = (length: number): number =>
          counts.filter((count, source) => interleave.countOf(source, length) > count).length;
        const whole = (length: number): boolean =>
          counts.every((count, source) => interleave.countOf(source, length) >= count);
        expect(over(first)).toBe(0);
        expect(over(first + 1)).toBe(1);
        expect(whole(all)).toBe(true);
        expect(whole(all - 1)).toBe(false);
      },
    ),
    { numRuns: 50 },
  );
});
