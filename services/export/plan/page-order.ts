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
  /** The window that was asked for last. */
  #window: Window | undefined;

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
    if (this.#shuffle === undefined) {
      const place = this.#placeOf(index, 0, this.#pages.length - 1);
      return this.#found(place, place, index);
    }
    const window = this.#windowOf(index);
    const shuffled = window.start + window.items.at(index - window.start);
    return this.#found(window.number, this.#placeOf(shuffled, window.firstPlace, window.endPlace - 1), shuffled);
  }

  #found(window: number, place: number, index: number): PagePlace {
    return { window, page: this.#pages[place] as number, item: index - (this.#starts[place] as number) };
  }

  /** The last of these places whose start is at or before the index, empty pages left out. */
  #placeOf(index: number, first: number, last: number): number {
    let [low, high] = [first, last];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#starts[middle] as number) <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #windowOf(index: number): Window {
    const known = this.#window;
    if (known !== undefined && known.start <= index && index < known.end) return known;
    const number = Math.floor(this.#placeOf(index, 0, this.#pages.length - 1) / this.#windowPages);
    const firstPlace = number * this.#windowPages;
    const endPlace = Math.min(firstPlace + this.#windowPages, this.#pages.length);
    const [start, end] = [this.#starts[firstPlace] as number, this.#starts[endPlace] as number];
    const items = new Permutation(end - start, (this.#shuffle as { key: PermutationKey }).key, number + 1);
    this.#window = { number, firstPlace, endPlace, start, end, items };
    return this.#window;
  }
}

/** A window of pages in order, and the permutation of its items. */
interface Window {
  readonly number: number;
  readonly firstPlace: number;
  readonly endPlace: number;
  readonly start: number;
  readonly end: number;
  readonly items: Permutation;
}
