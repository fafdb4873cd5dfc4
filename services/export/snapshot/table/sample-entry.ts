import { crc32 } from "node:zlib";

/**
 * One sample in a sample table, 64 bytes, little-endian: number of its block (uint32), where its line begins in the block (uint32), bytes of the line with
 * its line feed (uint32), weight in 10⁻⁶ (uint32), CRC-32 of the line (uint32), bytes of its id (uint16), the id where it has at most 38 bytes, else where it
 * begins in the file of long ids (uint48), and the CRC-32 of all that (uint32).
 */
export const ENTRY_BYTES = 64;

export const entryFields = {
  block: 0,
  offset: 4,
  length: 8,
  weight: 12,
  lineCheck: 16,
  idLength: 20,
  id: 22,
  check: 60,
} as const;

/** Longer ids lie in a file of their own. */
export const INLINE_ID_BYTES: number = entryFields.check - entryFields.id;

/** What `check` must be. */
export function checkOf(entry: Buffer): number {
  return crc32(entry.subarray(0, entryFields.check));
}
