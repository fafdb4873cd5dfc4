export const ENTRY_CACHE_BYTES: number = 8 * 1024 * 1024;

/** Entries of the pages of one table that are kept, by page: found for every sample, so without looking anything up. */
export type KeptEntries = (Buffer | undefined)[];

/** Bounds the entries of the pages that streams read now, shared by all of them: ranks walk through the same windows. The first that came go first. */
export class EntryCache {
  readonly #pages = new Set<{ readonly kept: KeptEntries; readonly page: number; readonly bytes: number }>();
  #bytes = 0;

  /** Keeps the entries of a page of which `kept` has none. */
  add(kept: KeptEntries, page: number, entries: Buffer): void {
    kept[page] = entries;
    this.#pages.add({ kept, page, bytes: entries.length });
    this.#bytes += entries.length;
    for (const oldest of this.#pages) {
      if (this.#bytes <= ENTRY_CACHE_BYTES) return;
      oldest.kept[oldest.page] = undefined;
      this.#pages.delete(oldest);
      this.#bytes -= oldest.bytes;
    }
  }
}

export const entryCache: EntryCache = new EntryCache();
