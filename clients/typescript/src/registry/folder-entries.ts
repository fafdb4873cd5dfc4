import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { FileError } from "../errors.ts";

/** What lies in a folder or below it, and is no folder itself: a file, a link, a device. */
export interface FolderEntry {
  /** Relative, parts separated by `/`. */
  readonly path: string;
  readonly entry: Dirent;
}

/** What lies in a folder. Throws FileError where something else is in its place. */
export async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === "ENOTDIR" && (await stat(folder).catch(() => undefined)))
      throw new FileError(folder, "is no folder");
    throw error;
  }
}

/** All that lies in a folder or below it, in any order. Links are not followed. @param isLeftOut by the name of a file or folder */
export async function* entriesBelow(
  folder: string,
  isLeftOut: (name: string) => boolean = () => false,
  above = "",
): AsyncGenerator<FolderEntry> {
  for (const entry of await entriesOf(join(folder, above))) {
    if (isLeftOut(entry.name)) continue;
    const path = above === "" ? entry.name : `${above}/${entry.name}`;
    if (entry.isDirectory()) yield* entriesBelow(folder, isLeftOut, path);
    else yield { path, entry };
  }
}

/** Whether an error says that nothing is there. */
export function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(codeOf(error));
}

/** Of an error of the file system. */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "";
}
