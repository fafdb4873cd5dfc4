import { type BlockLimits, type BlockStore, copyLines, type LinePlace } from "./block-store.ts";

/** Blocks in the memory of this process. */
export class BlockMemory implements BlockStore {
  readonly #limits: BlockLimits;
  /** Used last, last. */
  readonly #blocks = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(limits: BlockLimits) {
    this.#limits = limits;
  }

  async copy(digest: string, places: readonly LinePlace[], target: Uint8Array): Promise<boolean> {
    const block = this.#remove(digest);
    if (block === undefined) return false;
    this.#add(digest, block);
    copyLines(block, places, target);
    return true;
  }

  async keep(digest: string, block: Uint8Array): Promise<void> {
    this.#remove(digest);
    if (block.length > this.#limits.maxBytes) return;
    this.#add(digest, block);
    while (this.#bytes > this.#limits.maxBytes || this.#blocks.size > this.#limits.maxItems) {
      this.#remove(this.#blocks.keys().next().value as string);
    }
  }

  #add(digest: string, block: Uint8Array): void {
    this.#blocks.set(digest, block);
    this.#bytes += block.length;
  }

  #remove(digest: string): Uint8Array | undefined {
    const block = this.#blocks.get(digest);
    if (block === undefined) return undefined;
    this.#blocks.delete(digest);
    this.#bytes -= block.length;
    return block;
  }
}
