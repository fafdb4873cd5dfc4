import { compareKeys } from "../../store/range.ts";
import type { Entry, Key, Page, Revision, TenantId } from "../../store/store.ts";
import type { Reader } from "./stored-adapters.ts";

export interface SortedRange {
  /** Where all keys that may be asked for end. */
  readonly end: Key;
  readonly at: Revision;
  /** Entries that one read takes. */
  readonly limit: number;
}

/** Finds keys that are asked for in their order, reading page by page: never more than one page is in memory. */
export class SortedReader {
  readonly #store: Reader;
  readonly #tenant: TenantId;
  readonly #range: SortedRange;
  #page: Page | undefined;
  #place = 0;

  constructor(store: Reader, tenant: TenantId, range: SortedRange) {
    this.#store = store;
    this.#tenant = tenant;
    this.#range = range;
  }

  /** The entry of a key that is not before those asked for so far. */
  async find(key: Key): Promise<Entry | undefined> {
    for (;;) {
      const entry = this.#page?.entries[this.#place];
      if (entry === undefined) {
        if (!(await this.#readOn(key))) return undefined;
        continue;
      }
      const order = compareKeys(entry.key, key);
      if (order >= 0) return order === 0 ? entry : undefined;
      this.#place++;
    }
  }

  async #readOn(key: Key): Promise<boolean> {
    const start = this.#page === undefined ? key : this.#page.next;
    if (start === undefined) return false;
    const { end, at, limit } = this.#range;
    this.#page = await this.#store.scan(this.#tenant, { start, end }, { at, limit });
    this.#place = 0;
    return true;
  }
}
