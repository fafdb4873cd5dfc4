import { mkdirSync, symlinkSync, utimesSync } from "node:fs";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startTestRegistry } from "../../../../test/support/registry-server.ts";
import type { TestServer } from "../../../../test/support/server.ts";
import { tinyAdapter, tinyModel, writeFiles } from "../../../../test/support/tiny-adapter.ts";
import { Client } from "../index.ts";
import { unfinishedName } from "./unfinished.ts";

const base = "tiny/llama";
const from = process.cwd();

let folder: string;
let server: TestServer;
let client: Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loraloop-places-"));
  server = await startTestRegistry({ dataDirectory: join(folder, "data") });
  client = new Client({ address: server.address, token: server.token });
  await client.registry.registerBaseModel(writeFiles(join(folder, "model"), tinyModel()), { name: base });
  const files = writeFiles(join(folder, "adapter"), tinyAdapter(base));
  mkdirSync(join(files, "below"));
  await writeFile(join(files, "below", "notes.txt"), "more");
  await client.registry.registerVersion("legal", files);
});

afterEach(() => process.chdir(from));

afterAll(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** A folder of its own, in which the process is from now on. */
function enter(name: string): string {
  const place = join(folder, name);
  mkdirSync(place);
  process.chdir(place);
  return place;
}

test.for<[string, string]>([
  ["made", "made/"],
  ["made in one that is made", "deep/made/"],
  ["empty", "empty/"],
  ["empty, in other words", "./empty/"],
  ["a link to an empty one", "link"],
  ["a link to an empty one, in other words", "./link/"],
  ["the one that the process is in", "."],
])("a download goes into a folder that is %s: %s", async ([name, directory]) => {
  const place = enter(name);
  if (directory !== ".") {
    mkdirSync("empty");
    symlinkSync("empty", "link");
  }
  const before = await stat(directory).catch(() => undefined);
  for (const _time of [1, 2])
    expect(await client.registry.download("legal@1", { directory })).toMatchObject({ folder: directory });
  expect(await client.registry.verifyFolder("legal@1", directory)).toEqual([]);
  // What is mounted, or has a process in it, stays the same folder.
  if (before !== undefined) expect((await stat(directory)).ino).toBe(before.ino);
  expect((await readdir(place, { recursive: true })).filter((each) => each.endsWith(".part"))).toEqual([]);
});

test("an interrupted download leaves a folder empty; what a killed one left is in nobody's way", async () => {
  enter("interrupted");
  mkdirSync("empty");
  const controller = new AbortController();
  const { signal } = controller;
  const interrupted = { directory: "empty", signal, onProgress: () => controller.abort() };
  await expect(client.registry.download("legal@1", interrupted)).rejects.toMatchObject({ name: "AbortError" });
  expect(await readdir("empty")).toEqual([]);
  const left = unfinishedName("0".repeat(64));
  mkdirSync(join("empty", left));
  for (const _time of [1, 2]) await client.registry.download("legal@1", { directory: "empty" });
  expect((await client.registry.verifyFolder("legal@1", "empty")).length).toBe(0);
  expect(await readdir("empty")).toContain(left);
});

test("several downloads into one empty folder share it", async () => {
  enter("shared");
  mkdirSync("empty");
  await Promise.all([1, 2, 3].map(() => client.registry.download("legal@1", { directory: "empty" })));
  expect((await readdir("empty")).toSorted()).toEqual(["adapter_config.json", "adapter_model.safetensors", "below"]);
});

test("what fills a folder while a download is under way stays, and the download fails", async () => {
  enter("filled");
  mkdirSync("empty");
  const onProgress = () => mkdirSync("empty/mine", { recursive: true });
  const late = client.registry.download("legal@1", { directory: "empty", onProgress });
  await expect(late).rejects.toMatchObject({ name: "FileError", problem: expect.stringContaining("somebody else") });
  expect(await readdir("empty")).toEqual(["mine"]);
});

test.for<[string, string]>([
  ["file", "is no folder"],
  ["nowhere", "is a link to nothing"],
  ["full", "holds other files: name a folder that is empty or not there"],
])("a download refuses %s, which %s", async ([directory, problem]) => {
  enter(`refused-${directory}`);
  await writeFile("file", "");
  symlinkSync("nothing", "nowhere");
  writeFiles("full", [{ path: "x", bytes: Buffer.from("x") }]);
  const refused = client.registry.download("legal@1", { directory });
  await expect(refused).rejects.toMatchObject({ name: "FileError", path: directory, problem });
  expect((await readdir(".")).toSorted()).toEqual(["file", "full", "nowhere"]);
});

test("a cache keeps what is not its own, however old", async () => {
  const cache = enter("downloads");
  await writeFile("thesis.docx.part", "half a thesis");
  utimesSync("thesis.docx.part", 1e9, 1e9);
  await client.registry.download("legal@1", { cache });
  expect(await readdir(cache)).toContain("thesis.docx.part");
});
