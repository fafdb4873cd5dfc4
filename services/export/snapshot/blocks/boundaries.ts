/**
 * Where pages and blocks end: a rule over single samples, so that equal samples give equal pages whatever stands before them.
 * `idWord0` and `idWord1` are the first two words of SHA-256(id), big-endian. All products stay below 2^53 and are exact.
 */

/** A page ends before a sample that would take it past this; a larger sample is a page of its own. */
export const MAX_PAGE_BYTES = 262_144;

/** A block ends after a page that leaves less than a page's room below this. */
export const MAX_BLOCK_BYTES: number = 32 * 1024 * 1024;

/** Ids, hashes, lengths and weights of one block; it ends after the page that reaches this. Keeps a block's index one small value. */
export const MAX_BLOCK_INDEX_BYTES: number = 4 * 1024 * 1024;

/** True where the page ends after this sample: once in 64 KiB of lines on average. `lineBytes` counts the line feed. */
export function endsPage(idWord0: number, lineBytes: number): boolean {
  return idWord0 < lineBytes * 65_536;
}

/** True where the page ends before this sample. */
export function overflowsPage(pageBytes: number, lineBytes: number): boolean {
  return pageBytes > 0 && pageBytes + lineBytes > MAX_PAGE_BYTES;
}

/** True where the block ends after this page: once in 8 MiB of lines on average. `idWord1` is that of the page's last sample. */
export function endsBlock(idWord1: number, pageBytes: number): boolean {
  return idWord1 < pageBytes * 512;
}

/** True where the block is full after a page. */
export function fillsBlock(blockBytes: number, indexBytes: number): boolean {
  return blockBytes > MAX_BLOCK_BYTES - MAX_PAGE_BYTES || indexBytes >= MAX_BLOCK_INDEX_BYTES;
}
