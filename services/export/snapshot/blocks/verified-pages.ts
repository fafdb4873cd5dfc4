import type { BlockPages } from "./block-cache.ts";

const { subtle } = globalThis.crypto;

/** Blocks marked last: about 20 MB, for some 250 GB of lines. */
const MAX_BLOCKS = 32_768;

/**
 * Which pages of stored blocks this process has read and found right; each is hashed once, in Node's thread pool. Blocks of equal lines
 * share a file, yet may be cut into other pages: a mark is the first word of the page's digest.
 */
export class VerifiedPages {
  readonly #maximum: number;
  readonly #blocks = new Map<string, Uint32Array>();

  constructor(maximum: number = MAX_BLOCKS) {
    this.#maximum = maximum;
  }

  /** This process wrote the block. */
  trust(path: string, pages: BlockPages["pages"]): void {
    this.#keep(
      path,
      Uint32Array.from(pages, ({ digest }) => markOf(digest)),
    );
  }

  isVerified({ digest, path, pages }: BlockPages, place: number): boolean {
    return digest === undefined || this.#blocks.get(path)?.[place] === markOf(pages[place]?.digest);
  }

  /** False where the bytes are not those of the page. */
  async verify({ digest, path, pages }: BlockPages, place: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const expected = pages[place]?.digest ?? Buffer.alloc(0);
    const right = Buffer.from(await subtle.digest("SHA-256", bytes)).equals(expected);
    if (right && digest !== undefined) this.#mark(path, pages.length, place, markOf(expected));
    return right;
  }

  #mark(path: string, pageCount: number, place: number, mark: number): void {
    const known = this.#blocks.get(path);
    const marks = known?.length === pageCount ? known : new Uint32Array(pageCount);
    marks[place] = mark;
    this.#keep(path, marks);
  }

  /** As the newest; the oldest goes where there are too many. */
  #keep(path: string, marks: Uint32Array): void {
    this.#blocks.delete(path);
    this.#blocks.set(path, marks);
    const [oldest] = this.#blocks.keys();
    if (oldest !== undefined && this.#blocks.size > this.#maximum) this.#blocks.delete(oldest);
  }
}

/** Never 0, which is no mark. */
function markOf(digest: Uint8Array | undefined): number {
  if (digest === undefined) return 1;
  const [a = 0, b = 0, c = 0, d = 0] = digest;
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0 || 1;
}
