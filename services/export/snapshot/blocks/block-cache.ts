import type { Page } from "./page.ts";

/** A block's part of the index, ready to be read. */
export interface BlockPages {
  readonly firstSample: number;
  readonly path: string;
  /** In order; a block that is being written grows at the end. */
  readonly pages: readonly Page[];
  /** SHA-256 of its bytes, in hex; undefined while this process builds it. */
  readonly digest: string | undefined;
}

interface Cached {
  readonly snapshot: string;
  readonly endSample: number;
  readonly bytes: number;
  readonly block: BlockPages;
}

const MAX_BYTES = 6 * 1024 * 1024;

/** The blocks that streams read now, shared by all of them: at most 6 MiB of index (about 35 blocks), the longest unused go first. */
export class BlockCache {
  #cached: Cached[] = [];
  #bytes = 0;

  find(snapshot: string, sample: number): BlockPages | undefined {
    const place = this.#cached.findIndex(
      (one) => one.snapshot === snapshot && one.block.firstSample <= sample && sample < one.endSample,
    );
    const [found] = place === -1 ? [] : this.#cached.splice(place, 1);
    if (found !== undefined) this.#cached.push(found);
    return found?.block;
  }

  add(snapshot: string, block: BlockPages, bytes: number): void {
    const last = block.pages.at(-1);
    if (last === undefined || this.find(snapshot, block.firstSample) !== undefined) return;
    this.#cached.push({ snapshot, endSample: last.firstSample + last.count, bytes, block });
    this.#bytes += bytes;
    while (this.#bytes > MAX_BYTES && this.#cached.length > 1) this.#bytes -= this.#cached.shift()?.bytes ?? 0;
  }

  /** Forgets a snapshot that was removed, before another is made under its name. */
  remove(snapshot: string): void {
    this.#cached = this.#cached.filter((one) => one.snapshot !== snapshot);
    this.#bytes = this.#cached.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
