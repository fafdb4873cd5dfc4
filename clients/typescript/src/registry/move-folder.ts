import { rename } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, entriesOf } from "./folder-entries.ts";
import { isUnfinished } from "./unfinished.ts";

/** Moves a folder to its place, all at once. False where something stands there that is no empty folder. */
export async function moveOnto(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(codeOf(error))) return false;
    throw error;
  }
}

/** Moves what a folder holds into another, which stays what it is: mounted, or where somebody works. False where that holds something. */
export async function moveInto(from: string, to: string): Promise<boolean> {
  if ((await othersIn(to)).length > 0) return false;
  for (const { name } of await entriesOf(from)) if (!(await moveOnto(join(from, name), join(to, name)))) return false;
  return true;
}

/** What lies in a folder beside downloads that are under way. */
export async function othersIn(folder: string): Promise<string[]> {
  return (await entriesOf(folder)).map(({ name }) => name).filter((name) => !isUnfinished(name));
}
