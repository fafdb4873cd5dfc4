import type { BlockPages } from "./block-cache.ts";

const { subtle } = globalThis.crypto;

/** Which pages of stored blocks this process has read and found right; each is hashed once, in Node's thread pool. */
export class VerifiedPages {
  readonly #blocks = new Map<string, Uint8Array>();

  /** This process wrote the block. */
  trust(digest: string, pageCount: number): void {
    this.#blocks.set(digest, new Uint8Array(pageCount).fill(1));
  }

  isVerified({ digest }: BlockPages, place: number): boolean {
    return digest === undefined || this.#blocks.get(digest)?.[place] === 1;
  }

  /** False where the bytes are not those of the page. */
  async verify({ digest, pages }: BlockPages, place: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const found = Buffer.from(await subtle.digest("SHA-256", bytes));
    const right = found.equals(pages[place]?.digest ?? Buffer.alloc(0));
    if (right && digest !== undefined) this.#mark(digest, pages.length, place);
    return right;
  }

  #mark(digest: string, pageCount: number, place: number): void {
    const marks = this.#blocks.get(digest) ?? new Uint8Array(pageCount);
    marks[place] = 1;
    this.#blocks.set(digest, marks);
  }
}
