import { lstat, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Artifact } from "../../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { FileError } from "../errors.ts";
import { codeOf } from "./folder-entries.ts";
import { holdsFiles } from "./holds-files.ts";
import type { IncomingFolder } from "./incoming-folder.ts";
import { othersIn } from "./move-folder.ts";
import { removeUnfinished, unfinishedName } from "./unfinished.ts";

/** Where a version's files go. */
export interface Place {
  readonly folder: string;
  /** A folder of the cache: what is damaged there may be removed. */
  readonly ours: boolean;
}

/** How long another process may take to move files of one disk. */
const MOVING_MILLIS = 1000;

/**
 * Where files gather until all are there: above their place, or in it where an empty folder is there already, which may be mounted, and keeps its
 * identity. Throws FileError where something else is there.
 */
export async function makeRoom({ folder, ours }: Place): Promise<string> {
  if (!ours && (await isEmptyFolder(folder))) return folder;
  const above = dirname(resolve(folder));
  await mkdir(above, { recursive: true });
  if (ours) await removeUnfinished(above);
  return above;
}

/** False where nothing is there. */
async function isEmptyFolder(folder: string): Promise<boolean> {
  try {
    if ((await othersIn(folder)).length === 0) return true;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    if (await lstat(resolve(folder)).catch(() => undefined)) throw new FileError(folder, "is a link to nothing");
    return false;
  }
  throw new FileError(folder, "holds other files: name a folder that is empty or not there");
}

/** Another process may have been quicker, or be about to: it moves the files one by one into a folder that was there. What was damaged gives way. */
export async function settle({ folder, ours }: Place, incoming: IncomingFolder, artifact: Artifact): Promise<void> {
  const began = performance.now();
  while (!(await incoming.finish())) {
    if (await holdsFiles(folder, artifact)) return;
    if (ours) await removeDamaged(folder, artifact);
    else if (performance.now() - began < MOVING_MILLIS) await delay(20);
    else throw new FileError(folder, "was filled by somebody else in the meantime");
  }
}

/** All at once: nobody is to see a half of it. */
async function removeDamaged(folder: string, { digest }: Artifact): Promise<void> {
  const aside = join(dirname(folder), unfinishedName(digest));
  await rename(folder, aside).catch((error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
  });
  await rm(aside, { recursive: true, force: true });
}
