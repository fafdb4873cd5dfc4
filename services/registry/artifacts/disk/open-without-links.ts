import { closeSync, constants, openSync, readlinkSync } from "node:fs";
import { fileForbidden, fileMissing, storageUnavailable } from "../artifact-errors.ts";

/** Reading, without waiting for the other end of a pipe. */
const reading = constants.O_RDONLY | constants.O_NONBLOCK;

/** macOS: no link in any part of the path. Node has no name for it. */
const noLinkAnywhere = 0x2000_0000;

/**
 * Opens what lies at a path; nothing that a link leads to, at its end or before, whoever changes the tree meanwhile.
 * @param full real path; @param path what errors call it; @param flags beside those for reading.
 * Returns a descriptor that has to be closed. Throws ADAPTER_FILE_FORBIDDEN, ADAPTER_FILE_MISSING.
 */
export function openWithoutLinks(full: string, path: string, flags = 0): number {
  try {
    if (process.platform === "darwin") return openSync(full, reading | flags | noLinkAnywhere);
    return openAndCompare(full, path, reading | flags | constants.O_NOFOLLOW);
  } catch (error) {
    throw openError(path, error as NodeJS.ErrnoException);
  }
}

/** Linux tells where that which is open lies: elsewhere, if a link led to it. */
function openAndCompare(full: string, path: string, flags: number): number {
  const descriptor = openSync(full, flags);
  try {
    if (readlinkSync(descriptorPath(descriptor)) !== full) throw linkForbidden(path);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** A path to what is open, whatever lies now where it was opened; macOS has one for files only. */
export function descriptorPath(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

export function linkForbidden(path: string): Error {
  return fileForbidden(path, "is a symbolic link, or lies behind one", "Put a copy of the file in its place");
}

export function kindForbidden(path: string): Error {
  return fileForbidden(path, "is no plain file, but a folder, a device, a pipe or a socket", "Leave it out");
}

function openError(path: string, error: NodeJS.ErrnoException): Error {
  switch (error.code) {
    case undefined:
      return error;
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
