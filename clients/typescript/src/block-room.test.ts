import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BlockCache, type BlockCacheOptions } from "./block-cache.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "loraloop-blocks-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const blockOf = (number: number): Buffer => Buffer.from(String(number).padStart(8, "0"));
const digestOf = (block: Uint8Array): string => createHash("sha256").update(block).digest("hex");

function create(options: BlockCacheOptions = {}): BlockCache {
  return new BlockCache({ directory: folder, ...options });
}

async function read(cache: BlockCache, first: number, end: number): Promise<void> {
  for (let number = first; number < end; number += 1) {
    const block = blockOf(number);
    await cache.copy(digestOf(block), [], Buffer.alloc(0), async () => block);
  }
}

async function names(): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

/** What only a look at the folder finds. */
async function leave(): Promise<() => Promise<boolean>> {
  const path = join(folder, "00", "left.part");
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, "half");
  const before = new Date(Date.now() - 3_700_000);
  await utimes(path, before, before);
  return () =>
    access(path).then(
      () => true,
      () => false,
    );
}

/** Lets the use of so many blocks be a while ago, of the first one the longest. */
async function age(count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const name = digestOf(blockOf(number));
    const path = join(folder, name.slice(0, 2), name);
    await utimes(path, new Date(Date.now() - 3_600_000 + number * 1000), (await stat(path)).mtime);
  }
}

test.for<BlockCacheOptions>([{ maxItems: 192 }, { maxBytes: 192 * 8 }])(
  "with %o, the folder is looked at for each third block, also when it is full",
  async (limits) => {
    const cache = create(limits);
    await read(cache, 0, 1);
    for (let first = 1; first < 241; first += 3) {
      const isThere = await leave();
      await read(cache, first, first + 2);
      expect(await isThere()).toBe(true);
      await read(cache, first + 2, first + 3);
      expect(await isThere()).toBe(false);
    }
    expect(await names()).toHaveLength(192);
  },
);

test("far from the limits, the folder is looked at once", async () => {
  const cache = create();
  await read(cache, 0, 1);
  const isThere = await leave();
  await read(cache, 1, 1000);
  expect(await isThere()).toBe(true);
});

test("what others used since the last look stays", async () => {
  await read(create(), 0, 256);
  await age(256);
  const cache = create({ maxItems: 256 });
  await read(cache, 256, 257);
  await read(create(), 1, 250);
  await read(cache, 257, 260);
  const expected = Array.from({ length: 260 }, (_, number) => number).filter(
    (number) => ![0, 250, 251, 252].includes(number),
  );
  expect((await names()).toSorted()).toEqual(expected.map((number) => digestOf(blockOf(number))).toSorted());
});

test("several that write bring the folder over its limits by a 64th each", async () => {
  const caches = [0, 1, 2, 3].map(() => create({ maxItems: 128 }));
  await Promise.all(caches.map((cache, place) => read(cache, 1000 * place, 1000 * place + 80)));
  const { length } = await names();
  expect(length).toBeGreaterThanOrEqual(128 - 4 * 2);
  expect(length).toBeLessThanOrEqual(128 + 3 * 2);
});
