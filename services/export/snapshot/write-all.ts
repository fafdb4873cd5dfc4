import { writeSync } from "node:fs";

/** Appends all of the bytes: one write may take only some of them. */
export function writeAll(file: number, bytes: Uint8Array): void {
  for (let start = 0; start < bytes.length; ) start += writeSync(file, bytes, start);
}
