import { type BigIntStats, fstatSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { fileForbidden } from "../artifact-errors.ts";
import { kindForbidden, openWithoutLinks } from "./open-without-links.ts";

/** A file that is open for reading, and what it was when it was opened. */
export interface OpenFile extends AsyncDisposable {
  readonly handle: FileHandle;
  readonly stats: BigIntStats;
}

/** Opens a plain file below a folder. @param folder its real path. Throws ADAPTER_FILE_FORBIDDEN, ADAPTER_FILE_MISSING. */
export async function openFile(folder: string, path: string): Promise<OpenFile> {
  const handle = await openWithoutLinks(join(folder, path), path);
  try {
    const stats = statsOf(handle);
    checkKind(path, stats);
    return { handle, stats, [Symbol.asyncDispose]: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Of a file that is open, at once: nothing is looked for on the disk. */
export function statsOf({ fd }: FileHandle): BigIntStats {
  return fstatSync(fd, { bigint: true });
}

function checkKind(path: string, stats: BigIntStats): void {
  if (!stats.isFile()) throw kindForbidden(path);
  // A name made in the folder for somebody else's file would show that file.
  if (stats.nlink > 1n)
    throw fileForbidden(path, "is a hard link to a file with other names", "Put a copy in its place");
}
