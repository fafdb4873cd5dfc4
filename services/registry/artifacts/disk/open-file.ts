import type { BigIntStats } from "node:fs";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, realpath } from "node:fs/promises";
import { join } from "node:path";
import { fileForbidden, fileMissing, storageUnavailable } from "../artifact-errors.ts";

/** Not waiting for the other end of a pipe. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A file that is open for reading, and what it was when it was opened. */
export interface OpenFile extends AsyncDisposable {
  readonly handle: FileHandle;
  readonly stats: BigIntStats;
}

/**
 * Opens a plain file below a folder; nothing that a link leads to, whoever changes the tree meanwhile.
 * @param folder its real path. Throws ADAPTER_FILE_FORBIDDEN, ADAPTER_FILE_MISSING.
 */
export async function openFile(folder: string, path: string): Promise<OpenFile> {
  const full = join(folder, path);
  const handle = await open(full, flags).catch((error: NodeJS.ErrnoException) => {
    throw openError(path, error);
  });
  try {
    const stats = await handle.stat({ bigint: true });
    checkKind(path, stats);
    await checkPlace(path, full, stats);
    return { handle, stats, [Symbol.asyncDispose]: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export function linkForbidden(path: string): Error {
  return fileForbidden(path, "is a symbolic link, or lies behind one", "Put a copy of the file in its place");
}

export function kindForbidden(path: string): Error {
  return fileForbidden(path, "is a device, a pipe or a socket", "Leave it out");
}

function openError(path: string, error: NodeJS.ErrnoException): Error {
  switch (error.code) {
    case "ENOENT":
    case "ENOTDIR":
      return fileMissing(path);
    case "ELOOP":
      return linkForbidden(path);
    case "ENXIO":
      return kindForbidden(path);
    case "EACCES":
      return fileForbidden(path, "is not open to the registry", "Let the registry's user read it");
    default:
      return storageUnavailable(error);
  }
}

function checkKind(path: string, stats: BigIntStats): void {
  if (!stats.isFile()) throw kindForbidden(path);
  // A name made in the folder for somebody else's file would show that file.
  if (stats.nlink > 1n)
    throw fileForbidden(path, "is a hard link to a file with other names", "Put a copy in its place");
}

/** The open file has one name: if that is not this path without links, a link led to it. */
async function checkPlace(path: string, full: string, opened: BigIntStats): Promise<void> {
  try {
    const named = await lstat(full, { bigint: true });
    if ((await realpath(full)) === full && named.dev === opened.dev && named.ino === opened.ino) return;
  } catch (error) {
    throw openError(path, error as NodeJS.ErrnoException);
  }
  throw linkForbidden(path);
}
