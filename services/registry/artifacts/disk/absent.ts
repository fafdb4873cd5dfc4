import { storageUnavailable } from "../artifact-errors.ts";

/** What an error of the disk says of a path: nothing lies there. Throws STORE_UNAVAILABLE for a disk that cannot be read, which says nothing of that. */
export function absent(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "ENOENT" && code !== "ENOTDIR") throw storageUnavailable(error);
  return undefined;
}
