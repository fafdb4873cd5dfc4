import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { writeFiles } from "../../../test/support/artifacts.ts";
import { folderFiles } from "../../../test/support/folder-files.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { PIECE_BYTES } from "./artifact-store.ts";
import { readOnce } from "./read-once.ts";

const large = Buffer.alloc(PIECE_BYTES + 1, "l");

async function folderWith(contents: Record<string, string | Buffer>): Promise<string> {
  const folder = await temporaryFolder();
  await writeFiles(folder, contents);
  return folder;
}

test("all readers see one content of a small file, whatever becomes of it", async () => {
  const folder = await folderWith({ "a.json": "{}", "w.safetensors": large, empty: "" });
  const files = readOnce(folderFiles(folder));
  expect(Buffer.from(await files.read("a.json", 0, 2)).toString()).toBe("{}");
  await writeFile(join(folder, "a.json"), "[]");
  expect((await buffer(files.stream("a.json"))).toString()).toBe("{}");
  expect(Buffer.from(await files.read("a.json", 1, 1)).toString()).toBe("}");
  expect(await buffer(files.stream("empty"))).toHaveLength(0);
  expect(await buffer(files.stream("w.safetensors"))).toEqual(large);
});

test("a file that became longer or shorter than its list says is given as it is", async () => {
  const known = [
    { path: "a.json", byteCount: 2n },
    { path: "b.json", byteCount: 4n },
  ];
  const files = readOnce(folderFiles(await folderWith({ "a.json": "{} and more", "b.json": "{}" })), known);
  expect(await files.list()).toBe(known);
  expect((await buffer(files.stream("a.json"))).length).toBeGreaterThan(2);
  expect(await buffer(files.stream("b.json"))).toHaveLength(2);
  await expect(files.read("b.json", 0, 4)).rejects.toMatchObject({ reason: "ADAPTER_FILE_CHANGED" });
});

test("a file that is gone is missed by whoever reads it, and by nobody else", async () => {
  const folder = await folderWith({ "a.json": "{}", "b.json": "{}" });
  const known = await folderFiles(folder).list();
  await rm(join(folder, "b.json"));
  const files = readOnce(folderFiles(folder), known);
  expect(await buffer(files.stream("a.json"))).toHaveLength(2);
  await expect(files.read("b.json", 0, 2)).rejects.toMatchObject({ reason: "ADAPTER_FILE_MISSING" });
  await expect(buffer(files.stream("b.json"))).rejects.toMatchObject({ reason: "ADAPTER_FILE_MISSING" });
});
