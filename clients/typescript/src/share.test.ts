import fc from "fast-check";
import { expect, test } from "vitest";
import { type PlanExtent, type ShareOptions, ShareRanges } from "./share.ts";

interface World extends PlanExtent {
  readonly worldSize: number;
  readonly workerCount: number;
}

/** Every rank has a sample of every batch, also of the last: other worlds are refused. */
const worlds = fc
  .record({
    sampleCount: fc.integer({ min: 1, max: 300 }),
    globalBatchSize: fc.integer({ min: 1, max: 40 }),
    worldSize: fc.integer({ min: 1, max: 8 }),
    workerCount: fc.integer({ min: 1, max: 4 }),
    place: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ place, ...world }): World => {
    const batches = Math.ceil(world.sampleCount / world.globalBatchSize);
    const nextIndex = Math.min(Math.floor(place * (batches + 1)) * world.globalBatchSize, world.sampleCount);
    return { ...world, nextIndex };
  })
  .filter(({ sampleCount, globalBatchSize, worldSize }) => {
    const last = sampleCount % globalBatchSize;
    return worldSize <= globalBatchSize && (last === 0 || last >= worldSize);
  });

function sharesOf({ worldSize, workerCount }: World): Required<ShareOptions>[] {
  return Array.from({ length: worldSize * workerCount }, (_, place) => ({
    rank: Math.floor(place / workerCount),
    worldSize,
    worker: place % workerCount,
    workerCount,
  }));
}

function indicesOf(ranges: ShareRanges, from: number): number[] {
  const indices: number[] = [];
  for (let range = ranges.from(from); range !== undefined; range = ranges.from(range.end)) {
    for (let index = range.first; index < range.end; index += 1) indices.push(index);
  }
  return indices;
}

test("the shares of a world are the plan from the state on, each index once", () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const indices = sharesOf(world).flatMap((share) => indicesOf(new ShareRanges(share, world), world.nextIndex));
      const due = Array.from({ length: world.sampleCount - world.nextIndex }, (_, place) => world.nextIndex + place);
      expect(indices.toSorted((one, other) => one - other)).toEqual(due);
    }),
  );
});

test("every rank has as many batches, and the sizes of two ranks differ by one at most", () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const sizes = Array.from({ length: world.worldSize }, (_, rank) => {
        const ranges = new ShareRanges({ rank, worldSize: world.worldSize }, world);
        return Map.groupBy(indicesOf(ranges, world.nextIndex), (index) => Math.floor(index / world.globalBatchSize));
      });
      for (const rank of sizes) expect([...rank.keys()]).toEqual([...(sizes[0]?.keys() ?? [])]);
      for (const batch of sizes[0]?.keys() ?? []) {
        const counts = sizes.map((rank) => rank.get(batch)?.length ?? 0);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test("a call that begins later asks for the same share", () => {
  fc.assert(
    fc.property(worlds, fc.nat(300), (world, later) => {
      const nextIndex = Math.min(world.nextIndex + later, world.sampleCount);
      for (const share of sharesOf(world)) {
        const ranges = new ShareRanges(share, world);
        const again = new ShareRanges(ranges.callFrom(nextIndex), { ...world, nextIndex });
        expect(indicesOf(again, nextIndex)).toEqual(indicesOf(ranges, nextIndex));
      }
    }),
  );
});
