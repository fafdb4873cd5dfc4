import { existsSync } from "node:fs";
import { dirname } from "node:path";

/** One sentence for an error of the file system, which names the file; undefined for other errors. `path` is for errors that do not say it. */
export function fileProblem(error: unknown, path?: string): string | undefined {
  const { code, path: failed } = error as NodeJS.ErrnoException;
  const file = failed ?? path;
  const problem = file === undefined || code === undefined ? undefined : problems[code];
  return problem?.(file as string);
}

const problems: Readonly<Record<string, (file: string) => string>> = {
  ENOENT: (file) => `There is no ${existsSync(dirname(file)) ? file : `folder ${dirname(file)}`}.`,
  ENOTDIR: (file) => `${file} cannot exist: a part of this path is no folder.`,
  EISDIR: (file) => `${file} is a folder; name a file.`,
  EACCES: (file) => `${file} is not open to this user.`,
  EPERM: (file) => `${file} is not open to this user.`,
  EROFS: (file) => `${file} is on a disk that can only be read.`,
  ENOSPC: (file) => `${file} does not fit: the disk is full.`,
};
