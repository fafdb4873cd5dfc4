import { access, mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore } from "../../../store/open-store.ts";
import type { Store } from "../../../store/store.ts";
import { blockUseKey } from "../../keys.ts";
import { BlockFiles } from "./block-files.ts";
import { OpenFiles } from "./open-files.ts";

const digest = new Uint8Array(32).fill(7);
const snapshot = new Uint8Array(32).fill(9);
const building = (): string => join(folder, "blocks", "building", "new");
let folder: string;
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "loraloop-blocks-"));
  store = await openStore({ kind: "memory" });
  await mkdir(dirname(building()), { recursive: true });
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** A published block whose file was written an hour ago, without uses. */
async function oldBlock(files: BlockFiles): Promise<string> {
  await writeFile(building(), "lines");
  const path = files.path(1, digest);
  await files.publish(building(), path, async () => undefined);
  const hourAgo = Date.now() / 1000 - 3600;
  await utimes(path, hourAgo, hourAgo);
  return path;
}

test("a block in a shared folder is removed when it is old and nobody uses it", async () => {
  const files = new BlockFiles(folder, store, new OpenFiles(), true);
  const path = await oldBlock(files);
  await store.commit(1, [{ put: blockUseKey(digest, snapshot), value: new Uint8Array() }]);
  await files.removeUnused(1, digest);
  await access(path);
  await store.commit(1, [{ delete: blockUseKey(digest, snapshot) }]);
  await files.removeUnused(1, digest);
  await expect(access(path)).rejects.toThrow("ENOENT");
  await files.removeUnused(1, digest);
});

test("a block that another process has just published stays, though its use is not committed yet", async () => {
  const [files, other] = [
    new BlockFiles(folder, store, new OpenFiles(), true),
    new BlockFiles(folder, store, new OpenFiles(), true),
  ];
  const path = await oldBlock(files);
  await writeFile(building(), "lines");
  await other.publish(building(), path, async () => {
    await files.removeUnused(1, digest);
    await store.commit(1, [{ put: blockUseKey(digest, snapshot), value: new Uint8Array() }]);
  });
  await files.removeUnused(1, digest);
  await access(path);
});

test("a block of a process that is alone is removed at once", async () => {
  const files = new BlockFiles(folder, store, new OpenFiles(), false);
  await writeFile(building(), "lines");
  const path = files.path(1, digest);
  await files.publish(building(), path, async () => undefined);
  await files.removeUnused(1, digest);
  await expect(access(path)).rejects.toThrow("ENOENT");
});
