import { Permutation, type PermutationKey } from "./permutation.ts";

/** Where an index lies: in which window, on which page, and the how-manieth item of the page. */
export interface PagePlace {
  readonly window: number;
  /** In snapshot order. */
  readonly page: number;
  readonly item: number;
}

/**
 * The order of the items of all pages: pages permuted, then the items of each window of so many pages. Without a window, page after page.
 * Holds 12 bytes a page. An item is a sample, or one of its copies.
 */
export class PageOrder {
  readonly itemCount: number;
  readonly #windowPages: number;
  readonly #shuffle: { readonly key: PermutationKey; readonly pages: Permutation } | undefined;
  /** Items of all pages before the one at this place of the order; one more entry than pages. */
  readonly #starts: Float64Array;
  /** Pages in order. */
  readonly #pages: Uint32Array;
  /** The permutation of the window that was asked for last. */
  #window = -1;
  #items: Permutation | undefined;

  /** @param counts items of each page in snapshot order */
  constructor(
    counts: Uint32Array,
    shuffle: { readonly key: PermutationKey; readonly windowPages: number } | undefined,
  ) {
    const pages = shuffle && new Permutation(counts.length, shuffle.key, 0);
    this.#shuffle = shuffle && pages && { key: shuffle.key, pages };
    this.#windowPages = shuffle?.windowPages ?? 1;
    this.#pages = Uint32Array.from({ length: counts.length }, (_, place) => pages?.at(place) ?? place);
    this.#starts = new Float64Array(counts.length + 1);
    let start = 0;
    for (let place = 0; place < counts.length; place += 1) {
      this.#starts[place] = start;
      start += counts[this.#pages[place] as number] as number;
    }
    this.#starts[counts.length] = start;
    this.itemCount = start;
  }

  /** @param index below `itemCount` */
  at(index: number): PagePlace {
    const place = this.#placeOf(index);
    const window = Math.floor(place / this.#windowPages);
    if (this.#shuffle === undefined) return this.#found(window, place, index);
    const first = window * this.#windowPages;
    const start = this.#starts[first] as number;
    const end = this.#starts[Math.min(first + this.#windowPages, this.#pages.length)] as number;
    const shuffled = start + this.#permutationOf(window, end - start).at(index - start);
    return this.#found(window, this.#placeOf(shuffled), shuffled);
  }

  #found(window: number, place: number, index: number): PagePlace {
    return { window, page: this.#pages[place] as number, item: index - (this.#starts[place] as number) };
  }

  /** The last place whose start is at or before the index, empty pages left out. */
  #placeOf(index: number): number {
    let [low, high] = [0, this.#pages.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#starts[middle] as number) <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #permutationOf(window: number, count: number): Permutation {
    if (this.#window !== window || this.#items === undefined) {
      this.#items = new Permutation(count, (this.#shuffle as { key: PermutationKey }).key, window + 1);
      this.#window = window;
    }
    return this.#items;
  }
}
