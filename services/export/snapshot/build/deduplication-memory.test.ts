import { expect, test } from "vitest";
import { limits } from "../../../kit/limits.ts";
import { ContentSet } from "./content-set.ts";
import { DeduplicationMemory, sharedCount } from "./deduplication-memory.ts";

test("two builds share deduplication_bytes: the limit is inclusive, and what one gives back the other may take", () => {
  const all = sharedCount();
  const [one, other] = [0, 1].map(() => new DeduplicationMemory({ all, own: sharedCount() }));
  one?.take(limits.deduplication_bytes - 1);
  other?.take(1);
  expect(() => other?.take(1)).toThrow("deduplication_bytes is 536870912");
  other?.release();
  one?.take(1);
  one?.release();
  other?.take(limits.deduplication_bytes);
  other?.release();
  expect(all[0]).toBe(0);
});

test("the tables of deduplicated_samples samples fit", () => {
  expect(limits.deduplicated_samples * 25).toBeLessThanOrEqual(limits.deduplication_bytes);
});

test("a set takes what its tables hold", () => {
  let taken = 0;
  const contents = new ContentSet((bytes) => {
    taken += bytes;
  });
  const before = contents.bytes;
  const hashes = Uint32Array.from({ length: 80_000 }, (_, word) => Math.imul(word + 1, 2_654_435_761));
  for (let place = 0; place < 20_000; place += 1) contents.add(hashes, place);
  expect(taken).toBe(contents.bytes - before);
  expect(taken).toBeGreaterThan(20_000 * 16);
});
