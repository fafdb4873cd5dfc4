import { afterAll } from "vitest";
import { FolderFiles } from "../../services/registry/artifacts/disk/files.ts";
import { FolderReader } from "../../services/registry/artifacts/disk/folder-reader.ts";

/** Ends with the test file. */
export const folderReader: FolderReader = new FolderReader();
afterAll(() => folderReader[Symbol.asyncDispose]());

/** @param folder its real path */
export function folderFiles(folder: string): FolderFiles {
  return new FolderFiles(folder, folderReader);
}
