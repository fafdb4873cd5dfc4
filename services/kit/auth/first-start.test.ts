import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore } from "../../store/open-store.ts";
import { type Store, StoreError } from "../../store/store.ts";
import { prepareFirstStart, systemTokenFile, tokenFile } from "./first-start.ts";
import { verifyToken } from "./tokens.ts";

const clock = { now: () => BigInt(Date.now()) * 1_000n };
let parent: string;
let folder: string;
let store: Store;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "loraloop-first-start-"));
  folder = join(parent, "data");
  store = await openStore({ kind: "memory" }, clock);
});
afterEach(async () => {
  await store.close();
  await rm(parent, { recursive: true });
});

async function tenantsOfFiles(): Promise<string[]> {
  const callers = [tokenFile(folder), systemTokenFile(folder)].map(async (path) =>
    verifyToken({ store, clock }, (await readFile(path, "utf8")).trim()),
  );
  return (await Promise.all(callers)).map(({ tenantName }) => tenantName);
}

test("leaves two tokens that count, where only the owner may look", async () => {
  await prepareFirstStart({ store, clock }, folder);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect((await readdir(folder)).sort()).toEqual(["system-token", "token"]);
  expect((await stat(tokenFile(folder))).mode & 0o777).toBe(0o600);
  expect(await tenantsOfFiles()).toEqual(["default", "system"]);
});

test("of several at once in one folder, one makes the tokens", async () => {
  await Promise.all(Array.from({ length: 8 }, () => prepareFirstStart({ store, clock }, folder)));
  expect((await readdir(folder)).sort()).toEqual(["system-token", "token"]);
  expect(await tenantsOfFiles()).toEqual(["default", "system"]);
});

test("goes on where one broke off before its commit, or after it", async () => {
  const full = new StoreError("UNAVAILABLE", "The disk is full.");
  const before = { ...store, get: store.get.bind(store), commit: () => Promise.reject(full) };
  await expect(prepareFirstStart({ store: before as Store, clock }, folder)).rejects.toBe(full);
  expect(await readdir(folder)).toHaveLength(2);
  const commit: Store["commit"] = async (...args) => {
    await store.commit(...args);
    throw full;
  };
  const after = { ...store, get: store.get.bind(store), commit };
  await expect(prepareFirstStart({ store: after as Store, clock }, folder)).rejects.toBe(full);
  expect(await readdir(folder)).toHaveLength(4);
  await prepareFirstStart({ store, clock }, folder);
  expect((await readdir(folder)).sort()).toEqual(["system-token", "token"]);
  expect(await tenantsOfFiles()).toEqual(["default", "system"]);
});

test("leaves a made store's tokens and other files alone", async () => {
  await prepareFirstStart({ store, clock }, folder);
  const token = await readFile(tokenFile(folder), "utf8");
  await writeFile(join(folder, "token.old"), "x");
  await prepareFirstStart({ store, clock }, folder);
  expect((await readdir(folder)).sort()).toEqual(["system-token", "token", "token.old"]);
  expect(await readFile(tokenFile(folder), "utf8")).toBe(token);
});

test("the database's folder, and those made for it, are open to the owner only", async () => {
  const rocksdb = await openStore({ kind: "rocksdb", folder: join(folder, "store") }, clock);
  await rocksdb.close();
  for (const path of [folder, join(folder, "store")]) expect((await stat(path)).mode & 0o777).toBe(0o700);
});
