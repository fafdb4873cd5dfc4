import { expect, test } from "vitest";
import { ENTRY_CACHE_BYTES, EntryCache, type KeptEntries } from "./entry-cache.ts";

const quarter = Buffer.alloc(ENTRY_CACHE_BYTES / 4);

function pagesOf(kept: KeptEntries): number[] {
  return kept.flatMap((entries, page) => (entries === undefined ? [] : [page]));
}

test("keeps what fits, over all tables; the first that came go first", () => {
  const cache = new EntryCache();
  const [one, other]: [KeptEntries, KeptEntries] = [[], []];
  for (const page of [5, 3]) cache.add(one, page, quarter);
  for (const page of [3, 9]) cache.add(other, page, quarter);
  expect([pagesOf(one), pagesOf(other)]).toEqual([
    [3, 5],
    [3, 9],
  ]);
  cache.add(one, 7, quarter);
  expect([pagesOf(one), pagesOf(other)]).toEqual([
    [3, 7],
    [3, 9],
  ]);
  cache.add(other, 1, Buffer.alloc(ENTRY_CACHE_BYTES / 2));
  expect([pagesOf(one), pagesOf(other)]).toEqual([[7], [1, 9]]);
});

test("a page that is larger than the cache is not kept", () => {
  const kept: KeptEntries = [];
  new EntryCache().add(kept, 0, Buffer.alloc(ENTRY_CACHE_BYTES + 1));
  expect(pagesOf(kept)).toEqual([]);
});
