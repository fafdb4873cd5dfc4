import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { ContentSet } from "./content-set.ts";

function hashesOf(count: number, distinct: number): Uint32Array {
  const hashes = new Uint32Array(count * 4);
  for (let place = 0; place < count; place += 1) {
    const digest = createHash("sha256")
      .update(String((place * 7_919) % distinct))
      .digest();
    for (let word = 0; word < 4; word += 1) hashes[place * 4 + word] = digest.readUInt32LE(word * 4);
  }
  return hashes;
}

test("says of each hash whether it is new, as a Set does", () => {
  const hashes = hashesOf(60_000, 40_009);
  const contents = new ContentSet(() => undefined);
  const known = new Set<string>();
  for (let place = 0; place < 60_000; place += 1) {
    const text = hashes.subarray(place * 4, place * 4 + 4).join();
    if (contents.add(hashes, place) === known.has(text)) expect.fail(`hash ${place}`);
    known.add(text);
  }
  expect(contents.size).toBe(known.size);
});

test("compares all 128 bits, zeros too", () => {
  const contents = new ContentSet(() => undefined);
  const hashes = Uint32Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0);
  expect([0, 1, 2, 3, 4, 5].map((place) => contents.add(hashes, place))).toEqual([true, true, true, true, true, false]);
});

test("takes at most 30 bytes an entry", () => {
  const contents = new ContentSet(() => undefined);
  const hashes = hashesOf(60_000, 60_013);
  for (let place = 0; place < 60_000; place += 1) {
    contents.add(hashes, place);
    if (place > 30_000 && place % 1000 === 0) expect(contents.bytes / contents.size).toBeLessThan(30);
  }
});
