import { mkdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { digestOf, filesOf, writeFiles } from "../../../../test/support/artifacts.ts";
import { folderFiles, folderReader } from "../../../../test/support/folder-files.ts";
import { temporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { artifactFilesConformance } from "../conformance/files.ts";
import { artifactStoreConformance } from "../conformance/store.ts";
import { DiskArtifactStore } from "./store.ts";

artifactStoreConformance("a folder", {
  open: async (folder) => new DiskArtifactStore(join(folder, "kept"), join(folder, "aside"), folderReader),
});

/** Clocks of file systems tick every few milliseconds: each write is of another second. */
let writeTime = 1_700_000_000;

artifactFilesConformance("a folder", {
  async create(contents) {
    const folder = await temporaryFolder();
    await writeFiles(folder, contents);
    return {
      files: folderFiles(folder),
      async write(path, content) {
        writeTime += 1;
        await writeFile(join(folder, path), content);
        await utimes(join(folder, path), writeTime, writeTime);
      },
      remove: (path) => rm(join(folder, path)),
    };
  },
});

test("a disk that cannot be read is said to be unavailable, not to hold nothing", async () => {
  const unavailable = { reason: "STORE_UNAVAILABLE" };
  const folder = await temporaryFolder();
  const contents = { "a.json": "{}" };
  const digest = digestOf(contents);
  const store = new DiskArtifactStore(folder, join(folder, "aside"), folderReader);
  await writeFiles(join(folder, "staged"), contents);
  // Whoever follows it is refused with ELOOP, the superuser too.
  await symlink("t1", join(folder, "t1"));
  await expect(store.open(1, digest)).rejects.toMatchObject(unavailable);
  await expect(store.writeTime(1, digest)).rejects.toMatchObject(unavailable);
  await expect(Array.fromAsync(store.digests(1))).rejects.toMatchObject(unavailable);
  await expect(store.remove(1, digest)).rejects.toMatchObject(unavailable);
  const staged = { folder: join(folder, "staged"), files: filesOf(contents) };
  await expect(store.put(1, digest, staged)).rejects.toMatchObject(unavailable);
  await rm(join(folder, "t1"));
  await mkdir(join(folder, "t1"));
  await symlink(digest, join(folder, "t1", digest));
  await expect(store.open(1, digest)).rejects.toMatchObject(unavailable);
  await writeFile(join(folder, "t2"), "");
  expect(await store.open(2, digest)).toBeUndefined();
});
