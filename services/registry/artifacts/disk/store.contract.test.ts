import { rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFiles } from "../../../../test/support/artifacts.ts";
import { temporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { artifactFilesConformance } from "../conformance/files.ts";
import { artifactStoreConformance } from "../conformance/store.ts";
import { FolderFiles } from "./files.ts";
import { DiskArtifactStore } from "./store.ts";

artifactStoreConformance("a folder", {
  open: async (folder) => new DiskArtifactStore(join(folder, "kept"), join(folder, "aside")),
});

/** Clocks of file systems tick every few milliseconds: each write is of another second. */
let writeTime = 1_700_000_000;

artifactFilesConformance("a folder", {
  async create(contents) {
    const folder = await temporaryFolder();
    await writeFiles(folder, contents);
    return {
      files: new FolderFiles(folder),
      async write(path, content) {
        writeTime += 1;
        await writeFile(join(folder, path), content);
        await utimes(join(folder, path), writeTime, writeTime);
      },
      remove: (path) => rm(join(folder, path)),
    };
  },
});
