import { execFileSync } from "node:child_process";
import type { Place } from "../../conformance/harness.ts";
import { createPlace, folderOf } from "./place.ts";

export const canMount: boolean = process.platform === "linux" && process.getuid?.() === 0;

/** A disk in memory. */
export async function createOnSmallDisk(): Promise<Place & { free(): Promise<void> }> {
  const place = await createPlace();
  const folder = folderOf(place);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", folder]);
  return {
    config: place.config,
    free: async () => void execFileSync("mount", ["-o", "remount,size=64m", folder]),
    remove: async () => {
      execFileSync("umount", [folder]);
      await place.remove();
    },
  };
}
