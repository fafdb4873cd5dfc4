import { constants } from "node:fs";
import { mkdir, open, readdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/** Makes a folder and those above it, durably. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(resolve(folder), { recursive: true });
  if (first === undefined) return;
  for (let made = resolve(folder); made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Resolves when the names in a folder are on disk. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** None for a folder that is not there. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Whether a file or folder was changed that long ago. False for one that is gone. */
export async function isOlder(path: string, millis: number): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path);
    return Date.now() - mtimeMs >= millis;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** Whether a folder and all that is in it were changed that long ago. False for one that is gone. */
export async function isWhollyOlder(folder: string, millis: number): Promise<boolean> {
  for (const name of ["", ...(await namesBelow(folder))]) {
    if (!(await isOlder(join(folder, name), millis))) return false;
  }
  return true;
}

/** None for a file, and for a folder that somebody removes. */
async function namesBelow(folder: string): Promise<string[]> {
  try {
    return await readdir(folder, { recursive: true });
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
