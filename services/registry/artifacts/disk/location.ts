import { realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { artifactNotFound, storageUnavailable } from "../artifact-errors.ts";
import { type LocatedFiles, namesBelow, outsideRoots } from "../artifact-uri.ts";
import { FolderFiles } from "./files.ts";
import type { FolderReader } from "./folder-reader.ts";
import { linkForbidden } from "./open-without-links.ts";

/**
 * Opens the folder of these names where it lies below a root.
 * @param roots absolute paths, which may themselves lie behind links. Throws ADAPTER_FILE_FORBIDDEN, ARTIFACT_NOT_FOUND.
 */
export async function openLocation(
  names: readonly string[],
  roots: readonly string[],
  reader: FolderReader,
): Promise<LocatedFiles> {
  const uri = pathToFileURL(`/${names.join("/")}`).href;
  for (const root of roots.map((path) => resolve(path))) {
    const inside = namesBelow(root.split("/").slice(1), names);
    if (inside === undefined) continue;
    return { uri, files: new FolderFiles(await realFolder(uri, root, inside), reader) };
  }
  throw outsideRoots(uri, "artifact_roots");
}

async function realFolder(uri: string, root: string, inside: readonly string[]): Promise<string> {
  try {
    const folder = join(await realpath(root), ...inside);
    if ((await realpath(folder)) !== folder) throw linkForbidden(uri);
    if ((await stat(folder)).isDirectory()) return folder;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ELOOP") throw linkForbidden(uri);
    if (code !== "ENOENT" && code !== "ENOTDIR") throw code === undefined ? error : storageUnavailable(error);
  }
  throw artifactNotFound(uri);
}
