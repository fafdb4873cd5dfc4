import fc from "fast-check";
import { expect, test } from "vitest";
import { rankOf, ShareRuns, shareCount, sliceOf } from "./share.ts";

const shape = fc
  .record({
    sampleCount: fc.nat({ max: 500 }),
    batchSize: fc.integer({ min: 1, max: 40 }),
    worldSize: fc.integer({ min: 1, max: 6 }),
    workerCount: fc.integer({ min: 1, max: 5 }),
    resume: fc.nat({ max: 499 }),
  })
  .map((given) => ({ ...given, nextIndex: Math.min(given.resume, given.sampleCount) }));

function indices(
  rank: number,
  worker: number,
  {
    sampleCount,
    batchSize,
    worldSize,
    workerCount,
    nextIndex,
  }: { sampleCount: number; batchSize: number; worldSize: number; workerCount: number; nextIndex: number },
): number[] {
  const runs = new ShareRuns({ rank, worker, worldSize, workerCount }, batchSize, sampleCount, nextIndex);
  return [...runs].flatMap(({ first, count }) => Array.from({ length: count }, (_, place) => first + place));
}

test("all shares together are what is left of the plan, each index once, whatever world resumes", () => {
  fc.assert(
    fc.property(shape, (given) => {
      const all: number[] = [];
      for (let rank = 0; rank < given.worldSize; rank += 1) {
        for (let worker = 0; worker < given.workerCount; worker += 1) all.push(...indices(rank, worker, given));
      }
      const left = Array.from({ length: given.sampleCount - given.nextIndex }, (_, place) => given.nextIndex + place);
      expect(all.sort((a, b) => a - b)).toEqual(left);
    }),
  );
});

test("a rank's count, and the rank of a position", () => {
  fc.assert(
    fc.property(shape, (given) => {
      const { batchSize, sampleCount, worldSize } = given;
      for (let rank = 0; rank < worldSize; rank += 1) {
        const share = { rank, worldSize, worker: 0, workerCount: 1 };
        const mine = indices(rank, 0, { ...given, workerCount: 1, nextIndex: 0 });
        expect(shareCount(share, batchSize, sampleCount)).toBe(mine.length);
        const { from, to } = sliceOf(rank, worldSize, batchSize);
        for (let position = from; position < to; position += 1)
          expect(rankOf(position, worldSize, batchSize)).toBe(rank);
      }
    }),
  );
});

test("the rank of a position is found at once, also in a world of any size", () => {
  expect(rankOf(1_048_575, 2 ** 32 - 1, 1_048_576)).toBe(2 ** 32 - 2);
});
