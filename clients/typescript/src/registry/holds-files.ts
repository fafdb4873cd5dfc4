import { join } from "node:path";
import type { Artifact } from "../../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { FileError } from "../errors.ts";
import { entriesBelow, isMissing } from "./folder-entries.ts";
import { digestFile, type ReadFolderOptions } from "./folder-files.ts";
import { isUnfinished } from "./unfinished.ts";

/** Whether a folder holds exactly these files, and perhaps downloads that are under way. Rejects where it cannot be read: that says nothing. */
export async function holdsFiles(
  folder: string,
  { files }: Artifact,
  options: ReadFolderOptions = {},
): Promise<boolean> {
  try {
    if (!(await holdsPaths(folder, new Set(files.map(({ path }) => path))))) return false;
    for (const { path, digest } of files)
      if ((await digestFile(join(folder, path), options)).digest !== digest) return false;
    return true;
  } catch (error) {
    // Not there, or no folder.
    if (isMissing(error) || error instanceof FileError) return false;
    throw error;
  }
}

/** Tells before a byte is read. */
async function holdsPaths(folder: string, paths: ReadonlySet<string>): Promise<boolean> {
  let found = 0;
  for await (const { path, entry } of entriesBelow(folder, isUnfinished)) {
    if (!entry.isFile() || !paths.has(path)) return false;
    found += 1;
  }
  return found === paths.size;
}
