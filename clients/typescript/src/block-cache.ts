import { BlockFiles } from "./block-files.ts";
import { BlockMemory } from "./block-memory.ts";
import { type BlockStore, copyLines, type LinePlace } from "./block-store.ts";
import { byteCount } from "./byte-count.ts";
import { ConnectionError } from "./errors.ts";

export interface BlockCacheOptions {
  /** Keeps blocks below this folder, shared by every process that names it; in the memory of this one by default. */
  readonly directory?: string;
  /** Bytes, or e.g. `"10GB"` or `"512MiB"`; 10 GB by default. A block is up to 32 MiB. */
  readonly maxBytes?: number | string;
  /** Blocks; any number by default. */
  readonly maxItems?: number;
}

/**
 * Blocks of snapshots for later epochs, one cache for all trainers of a process or, with a directory, of a host: `<directory>/<first two digits>/<SHA-256>`, the
 * same in every client language. Files are checked against their digest before they are used, appear whole or not at all, and may be deleted at any time. While several
 * processes write to a directory, each of the others may bring it over its limits by a 64th of them, or by one block where that is more.
 */
export class BlockCache {
  readonly #store: BlockStore;
  /** Blocks on their way, so that nobody fetches one twice. */
  readonly #fetches = new Map<string, Promise<Uint8Array>>();

  /** Throws RangeError for limits that are no counts. */
  constructor(options: BlockCacheOptions = {}) {
    const limits = {
      maxBytes: byteCount(options.maxBytes ?? "10GB"),
      maxItems: options.maxItems ?? Number.POSITIVE_INFINITY,
    };
    if (!(limits.maxItems > 0)) throw new RangeError(`maxItems is ${limits.maxItems}; expected a count above 0.`);
    this.#store = options.directory === undefined ? new BlockMemory(limits) : new BlockFiles(options.directory, limits);
  }

  /** Copies lines of a block to `target`; `fetch` gives the block, already checked, where it is not here. */
  async copy(
    digest: string,
    places: readonly LinePlace[],
    target: Uint8Array,
    fetch: () => Promise<Uint8Array>,
  ): Promise<void> {
    if (await this.#store.copy(digest, places, target)) return;
    copyLines(await this.#fetchOnce(digest, fetch), places, target);
  }

  async #fetchOnce(digest: string, fetch: () => Promise<Uint8Array>): Promise<Uint8Array> {
    while (true) {
      const running = this.#fetches.get(digest);
      if (running === undefined) return await this.#start(digest, fetch);
      try {
        return await running;
      } catch (error) {
        // Whoever began it may have left, or may not read it: that says nothing of us. A server that cannot be reached is away for all.
        if (error instanceof ConnectionError) throw error;
      }
    }
  }

  #start(digest: string, fetch: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const started = this.#fetchAndKeep(digest, fetch).finally(() => this.#fetches.delete(digest));
    this.#fetches.set(digest, started);
    return started;
  }

  async #fetchAndKeep(digest: string, fetch: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const block = await fetch();
    await this.#store.keep(digest, block);
    return block;
  }
}
