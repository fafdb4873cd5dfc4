import { createHash, type Hash } from "node:crypto";

/** What a page adds to the digest of its snapshot. */
export interface PageEntry {
  readonly firstId: Uint8Array;
  readonly count: number;
  readonly lineBytes: number;
  readonly digest: Uint8Array;
  /** In 10⁻⁶, one a sample; empty where the snapshot is not weighted. */
  readonly weights: Uint32Array;
}

/**
 * The digest of a snapshot: SHA-256 over all pages in order, each as
 *
 *   uint32 length of the first id · the first id · uint32 samples · uint32 line bytes · SHA-256 of the lines · uint32 weights
 *
 * with big-endian numbers. The weights number as many as the samples, or none.
 */
export class SnapshotDigest {
  readonly #hash: Hash = createHash("sha256");

  add(page: PageEntry): void {
    const idBytes = page.firstId.length;
    const entry = Buffer.allocUnsafe(idBytes + 44 + 4 * page.weights.length);
    entry.writeUInt32BE(idBytes, 0);
    entry.set(page.firstId, 4);
    entry.writeUInt32BE(page.count, 4 + idBytes);
    entry.writeUInt32BE(page.lineBytes, 8 + idBytes);
    entry.set(page.digest, 12 + idBytes);
    for (const [place, weight] of page.weights.entries()) entry.writeUInt32BE(weight, 44 + idBytes + 4 * place);
    this.#hash.update(entry);
  }

  /** The digest of all pages so far; can be taken again later. */
  value(): Uint8Array {
    return this.#hash.copy().digest();
  }
}
