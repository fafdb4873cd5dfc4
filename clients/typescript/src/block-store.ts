import { TruncatedStreamError } from "./errors.ts";

/** Where a line lies in a block. */
export interface LinePlace {
  readonly offset: number;
  readonly length: number;
  /** Where the line is wanted in the target. */
  readonly target: number;
}

/** What keeps blocks; `digest` is in hex. */
export interface BlockStore {
  /** Copies lines out of a block. False where it is not here. */
  copy(digest: string, places: readonly LinePlace[], target: Uint8Array): Promise<boolean>;
  /** Keeps a block, and removes those that were not used for the longest time until the limits hold. */
  keep(digest: string, block: Uint8Array): Promise<void>;
}

export interface BlockLimits {
  readonly maxBytes: number;
  readonly maxItems: number;
}

/** Throws TruncatedStreamError where a line does not lie in the block. */
export function copyLines(block: Uint8Array, places: readonly LinePlace[], target: Uint8Array): void {
  for (const { offset, length, target: start } of places) {
    if (offset + length > block.length) {
      throw new TruncatedStreamError(
        `A reference ends at ${offset + length}, but its block has ${block.length} bytes.`,
      );
    }
    target.set(block.subarray(offset, offset + length), start);
  }
}
