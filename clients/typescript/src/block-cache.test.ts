import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BlockCache, type BlockCacheOptions } from "./block-cache.ts";
import { ConnectionError } from "./errors.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "loraloop-blocks-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const digestOf = (block: Uint8Array): string => createHash("sha256").update(block).digest("hex");
const fileOf = (block: Uint8Array): string => join(folder, digestOf(block).slice(0, 2), digestOf(block));

/** Reads two lines of a block as a stream does; tells whether the block had to be fetched. */
async function read(cache: BlockCache, block: Uint8Array): Promise<boolean> {
  let fetched = false;
  const target = Buffer.alloc(30);
  const places = [
    { offset: 50, length: 20, target: 10 },
    { offset: 3, length: 10, target: 0 },
  ];
  await cache.copy(digestOf(block), places, target, async () => {
    fetched = true;
    return block;
  });
  expect(target).toEqual(Buffer.concat([block.subarray(3, 13), block.subarray(50, 70)]));
  return fetched;
}

async function files(): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  return names.filter((name) => name.isFile()).map(({ name }) => name);
}

const block = randomBytes(100);
const [first, second, third] = [randomBytes(100), randomBytes(100), randomBytes(100)];

const kinds: [string, () => BlockCacheOptions][] = [
  ["memory", () => ({})],
  ["a folder", () => ({ directory: folder })],
];

test.for(kinds)("%s gives a block that was read before", async ([, options]) => {
  const cache = new BlockCache(options());
  expect([await read(cache, block), await read(cache, block)]).toEqual([true, false]);
});

test.for(kinds)("%s fetches a block once for all who want it at a time", async ([, options]) => {
  const cache = new BlockCache(options());
  const fetched = await Promise.all([read(cache, block), read(cache, block), read(cache, block)]);
  expect(fetched.filter(Boolean)).toHaveLength(1);
});

test.for(kinds)("%s fetches again for those who waited for one that left", async ([, options]) => {
  const cache = new BlockCache(options());
  const leaving = Promise.withResolvers<Uint8Array>();
  const first = cache.copy(digestOf(block), [], Buffer.alloc(0), () => leaving.promise);
  const others = Promise.all([read(cache, block), read(cache, block)]);
  leaving.reject(new DOMException("It left.", "AbortError"));
  await expect(first).rejects.toThrow("It left.");
  expect((await others).filter(Boolean)).toHaveLength(1);
});

test("a server that could not be reached for one is not waited for again by those who waited", async () => {
  const cache = new BlockCache();
  const failing = cache.copy(digestOf(block), [], Buffer.alloc(0), async () => {
    throw new ConnectionError("No progress for 300 s.");
  });
  const [first, other] = await Promise.allSettled([failing, read(cache, block)]);
  expect([first.status, other.status]).toEqual(["rejected", "rejected"]);
});

test.for(kinds)("%s keeps as many blocks as allowed, those that were used last", async ([, options]) => {
  const limits: BlockCacheOptions[] = [{ maxItems: 2 }, { maxBytes: 299 }];
  for (const limit of limits) {
    const cache = new BlockCache({ ...options(), ...limit });
    await read(cache, first);
    await settle(first);
    await read(cache, second);
    await settle(second);
    await read(cache, first);
    await read(cache, third);
    expect(await read(cache, first)).toBe(false);
    expect(await read(cache, second)).toBe(true);
    await rm(folder, { recursive: true });
    await mkdir(folder);
  }
});

/** Uses are written down every ten seconds: makes the last one old. */
async function settle(used: Uint8Array): Promise<void> {
  const path = fileOf(used);
  const before = new Date(Date.now() - 60_000);
  await utimes(path, before, before).catch(() => undefined);
}

test.for(kinds)("%s gives a block that is larger than the limit, and does not keep it", async ([, options]) => {
  const cache = new BlockCache({ ...options(), maxBytes: 99 });
  expect([await read(cache, block), await read(cache, block)]).toEqual([true, true]);
  expect(await files()).toEqual([]);
});

test.for(kinds)("%s keeps nothing of a fetch that failed", async ([, options]) => {
  const cache = new BlockCache(options());
  const failing = cache.copy(digestOf(block), [], Buffer.alloc(0), async () => {
    throw new Error("gone");
  });
  await expect(failing).rejects.toThrow("gone");
  expect(await read(cache, block)).toBe(true);
});

test("files are named by their digest, hold the block and nothing else, and serve other processes", async () => {
  await read(new BlockCache({ directory: folder }), block);
  expect(await files()).toEqual([digestOf(block)]);
  expect(await readFile(fileOf(block))).toEqual(block);
  expect(await read(new BlockCache({ directory: folder }), block)).toBe(false);
});

test("nobody but the user reads what is kept", async () => {
  const directory = join(folder, "of", "mine");
  await read(new BlockCache({ directory }), block);
  const digest = digestOf(block);
  const places = [join(folder, "of"), directory, join(directory, digest.slice(0, 2))];
  for (const path of places) expect((await stat(path)).mode & 0o777).toBe(0o700);
  expect((await stat(join(directory, digest.slice(0, 2), digest))).mode & 0o777).toBe(0o600);
});

test.for<[string, Uint8Array]>([
  ["half a file", block.subarray(0, 60)],
  ["an empty file", Buffer.alloc(0)],
  ["other bytes", randomBytes(100)],
])("%s is not used, but replaced", async ([, content]) => {
  await mkdir(dirname(fileOf(block)), { recursive: true });
  await writeFile(fileOf(block), content);
  const cache = new BlockCache({ directory: folder });
  expect([await read(cache, block), await read(cache, block)]).toEqual([true, false]);
  expect(await readFile(fileOf(block))).toEqual(block);
});

test("a file that changed after it was read is checked again", async () => {
  const cache = new BlockCache({ directory: folder });
  await read(cache, block);
  await read(cache, block);
  await rm(fileOf(block));
  await writeFile(fileOf(block), randomBytes(100));
  // Two writes in one tick of the file system's clock look alike.
  await utimes(fileOf(block), new Date(), new Date(Date.now() + 1000));
  expect(await read(cache, block)).toBe(true);
});

test("files and the whole folder may be deleted at any time", async () => {
  const cache = new BlockCache({ directory: folder });
  await read(cache, block);
  await rm(fileOf(block));
  expect(await read(cache, block)).toBe(true);
  await rm(folder, { recursive: true });
  expect(await read(cache, block)).toBe(true);
});

test("where a folder cannot be written, blocks are fetched and not kept", async () => {
  const file = join(folder, "file");
  await writeFile(file, "no folder");
  const cache = new BlockCache({ directory: file });
  expect([await read(cache, block), await read(cache, block)]).toEqual([true, true]);
});

test("what a killed process left unfinished is removed after an hour, not before", async () => {
  const parts = ["old", "new"].map((name) => `${fileOf(first)}.${name}.part`) as [string, string];
  await mkdir(dirname(parts[0]), { recursive: true });
  for (const part of parts) await writeFile(part, "half");
  const before = new Date(Date.now() - 3_700_000);
  await utimes(parts[0], before, before);
  await read(new BlockCache({ directory: folder }), second);
  expect((await files()).toSorted()).toEqual([`${digestOf(first)}.new.part`, digestOf(second)].toSorted());
});

test.for<[BlockCacheOptions, string]>([
  [{ maxBytes: 0 }, "The size is 0"],
  [{ maxBytes: -1 }, "The size is -1"],
  [{ maxBytes: "-5GB" }, 'The size is "-5GB"; expected bytes or a text as "10GB".'],
  [{ maxBytes: "large" }, 'The size is "large"'],
  [{ maxItems: 0 }, "maxItems is 0"],
  [{ maxItems: -1 }, "maxItems is -1; expected a count above 0."],
  [{ maxItems: Number.NaN }, "maxItems is NaN"],
])("%o is refused", ([options, message]) => {
  for (const directory of [undefined, folder]) {
    const create = () => new BlockCache({ ...options, ...(directory !== undefined && { directory }) });
    expect(create).toThrow(RangeError);
    expect(create).toThrow(message);
  }
});
