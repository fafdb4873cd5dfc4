import { closeSync, constants, type Dirent, opendirSync } from "node:fs";
import { join } from "node:path";
import { limitExceeded } from "../../../kit/field.ts";
import { limits } from "../../../kit/limits.ts";
import { storageUnavailable } from "../artifact-errors.ts";
import { checkArtifactPath } from "../artifact-path.ts";
import { checkPickleName } from "../pickles.ts";
import { descriptorPath, kindForbidden, linkForbidden, openWithoutLinks } from "./open-without-links.ts";

/**
 * Paths of all files below a folder, in any order; it reads no more names than an artifact may have files. Throws
 * ADAPTER_FILE_FORBIDDEN, ARTIFACT_INVALID, LIMIT_EXCEEDED.
 */
export function* pathsBelow(folder: string): Generator<string> {
  const folders = [""];
  let names = 0;
  for (let inside = folders.pop(); inside !== undefined; inside = folders.pop()) {
    for (const entry of entriesOf(folder, inside)) {
      names += 1;
      checkCount(names);
      const path = inside === "" ? entry.name : `${inside}/${entry.name}`;
      checkEntry(path, entry);
      if (entry.isDirectory()) folders.push(path);
      else yield path;
    }
  }
}

function checkCount(names: number): void {
  if (names <= limits.artifact_files) return;
  throw limitExceeded("artifact_files", names, "The number of files and folders (counting ended there)");
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
