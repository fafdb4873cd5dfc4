import { closeSync, constants, type Dirent, opendirSync } from "node:fs";
import { join } from "node:path";
import { limitExceeded } from "../../../kit/field.ts";
import { limits } from "../../../kit/limits.ts";
import { storageUnavailable } from "../artifact-errors.ts";
import { checkArtifactPath } from "../artifact-path.ts";
import { checkPickleName } from "../pickles.ts";
import { descriptorPath, kindForbidden, linkForbidden, openWithoutLinks } from "./open-without-links.ts";

/**
 * Paths of all files below a folder, in any order; it reads no more names than an artifact may have files, counting also
 * folders that are empty or not yet read. Throws ADAPTER_FILE_FORBIDDEN, ARTIFACT_INVALID, LIMIT_EXCEEDED.
 */
export function* pathsBelow(folder: string): Generator<string> {
  const folders = [""];
  let count = 1;
  for (let inside = folders.pop(); inside !== undefined; inside = folders.pop()) {
    // What a folder holds is counted in its place.
    count -= 1;
    const before = count;
    for (const entry of entriesOf(folder, inside)) {
      count += 1;
      checkCount(count);
      const path = inside === "" ? entry.name : `${inside}/${entry.name}`;
      checkEntry(path, entry);
      if (entry.isDirectory()) folders.push(path);
      else yield path;
    }
    if (count === before) count += 1;
  }
}

function checkCount(count: number): void {
  if (count <= limits.artifact_files) return;
  throw limitExceeded("artifact_files", count, "The number of files and of empty folders (counting ended there)");
}

function checkEntry(path: string, entry: Dirent): void {
  checkArtifactPath(path);
  if (entry.isSymbolicLink()) throw linkForbidden(path);
  if (entry.isFile()) checkPickleName(path);
  else if (!entry.isDirectory()) throw kindForbidden(path);
}

function* entriesOf(folder: string, inside: string): Generator<Dirent> {
  const full = join(folder, inside);
  const descriptor = openWithoutLinks(full, inside, constants.O_DIRECTORY);
  try {
    yield* openedEntries(process.platform === "linux" ? descriptorPath(descriptor) : full);
  } catch (error) {
    throw storageUnavailable(error);
  } finally {
    closeSync(descriptor);
  }
}

function* openedEntries(folder: string): Generator<Dirent> {
  const entries = opendirSync(folder);
  try {
    for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) yield entry;
  } finally {
    entries.closeSync();
  }
}
