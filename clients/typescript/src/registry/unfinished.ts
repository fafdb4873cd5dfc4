import { randomUUID } from "node:crypto";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { entriesOf } from "./folder-entries.ts";

/** What a killed process began is removed after this time, as in the other client languages. */
const UNFINISHED_MILLIS = 24 * 3_600_000;
/** Of any client language. */
const UNFINISHED = /^[0-9a-f]{64}\.[0-9a-f-]{32,36}\.part$/;

/** A name for the files of an artifact while they are on their way, or on their way out. */
export function unfinishedName(digest: string): string {
  return `${digest}.${randomUUID()}.part`;
}

export function isUnfinished(name: string): boolean {
  return UNFINISHED.test(name);
}

/** Removes from a cache what a process that was killed left there, and nothing else. */
export async function removeUnfinished(cache: string): Promise<void> {
  for (const { name } of await entriesOf(cache)) {
    if (!isUnfinished(name)) continue;
    const path = join(cache, name);
    // Another process may remove it meanwhile.
    const begun = await stat(path).catch(() => undefined);
    if (begun !== undefined && Date.now() - begun.mtimeMs > UNFINISHED_MILLIS)
      await rm(path, { recursive: true, force: true });
  }
}
