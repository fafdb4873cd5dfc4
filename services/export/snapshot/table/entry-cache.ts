export const ENTRY_CACHE_BYTES: number = 8 * 1024 * 1024;
const PAGES = 2 ** 32;

/** Entries of the pages that streams read now, shared by all of them: ranks walk through the same windows. The first that came go first. */
export class EntryCache {
  readonly #pages = new Map<number, Buffer>();
  #bytes = 0;

  /** @param table its number */
  get(table: number, page: number): Buffer | undefined {
    return this.#pages.get(table * PAGES + page);
  }

  add(table: number, page: number, entries: Buffer): void {
    this.#pages.set(table * PAGES + page, entries);
    this.#bytes += entries.length;
    for (const [key, oldest] of this.#pages) {
      if (this.#bytes <= ENTRY_CACHE_BYTES) return;
      this.#pages.delete(key);
      this.#bytes -= oldest.length;
    }
  }
}

export const entryCache: EntryCache = new EntryCache();
