import { SampleCursor } from "./sample-cursor.ts";
import type { SampleTable } from "./sample-table.ts";

/** Says whether a record is a sample of a snapshot: samples lie in the order of their ids' bytes, so some twenty entries of millions are read. Throws as SampleCursor does. */
export class SampleFinder {
  readonly #table: SampleTable;
  readonly #cursor: SampleCursor;

  constructor(table: SampleTable) {
    this.#table = table;
    this.#cursor = new SampleCursor(table, 0, false);
  }

  has(id: string): boolean {
    const wanted = Buffer.from(id);
    let [first, end] = [0, this.#table.sampleCount];
    while (first < end) {
      const middle = Math.floor((first + end) / 2);
      const order = this.#compare(middle, wanted);
      if (order === 0) return true;
      if (order < 0) first = middle + 1;
      else end = middle;
    }
    return false;
  }

  #compare(sample: number, id: Buffer): number {
    const { ids, idStart, idEnd } = this.#cursor.at(sample, 0);
    return ids.compare(id, 0, id.length, idStart, idEnd);
  }
}
