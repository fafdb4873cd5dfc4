import { limits } from "../limits.ts";

/** Ends a page of a list whose filter takes long: after `filter_page_milliseconds`, but not before its first entry. */
export class PageTime {
  readonly #end = performance.now() + limits.filter_page_milliseconds;
  #hasBegun = false;
  readonly #isFiltered: boolean;

  constructor(isFiltered: boolean) {
    this.#isFiltered = isFiltered;
  }

  /** Call before each entry: true where this one begins the next page. */
  isOver(): boolean {
    const isOver = this.#isFiltered && this.#hasBegun && performance.now() > this.#end;
    this.#hasBegun = true;
    return isOver;
  }
}
