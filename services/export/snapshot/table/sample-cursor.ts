import { closeSync, openSync, readSync } from "node:fs";
import { entryCache } from "./entry-cache.ts";
import { checkOf, ENTRY_BYTES, entryFields, INLINE_ID_BYTES } from "./sample-entry.ts";
import type { SampleTable } from "./sample-table.ts";
import { longIdsPath } from "./table-file.ts";

/** Where one sample is. */
export interface SamplePlace {
  readonly sample: number;
  /** Place of its block in the table's digests. */
  readonly block: number;
  readonly offset: number;
  /** Bytes of its line with its line feed. */
  readonly length: number;
  readonly weightMicros: number;
  readonly id: Uint8Array;
  /** The whole entry, for `isRight`. */
  readonly entry: Buffer;
}

/** Reads a sample table for one stream: synchronously, since single entries come from the page cache in less time than a turn of the event loop. */
export class SampleCursor implements Disposable {
  readonly #table: SampleTable;
  readonly #file: number;
  readonly #wholePages: boolean;
  #longIds: number | undefined;

  /** @param wholePages true where samples of the same pages are asked for soon: then a page's entries are read at once and kept */
  constructor(table: SampleTable, wholePages: boolean) {
    this.#table = table;
    this.#wholePages = wholePages;
    this.#file = openSync(table.path, "r");
  }

  /** @param page the page of the sample */
  at(sample: number, page: number): SamplePlace {
    const entry = this.#wholePages ? this.#entryOf(sample, page) : this.#read(sample, Buffer.allocUnsafe(ENTRY_BYTES));
    const length = entry.readUInt32LE(entryFields.length);
    return {
      sample,
      block: entry.readUInt32LE(entryFields.block),
      offset: entry.readUInt32LE(entryFields.offset),
      length,
      weightMicros: entry.readUInt32LE(entryFields.weight),
      id: this.#idOf(entry),
      entry,
    };
  }

  /** Weights of consecutive samples, in 10⁻⁶. */
  weights(first: number, count: number): Uint32Array {
    const bytes = Buffer.allocUnsafe(count * ENTRY_BYTES);
    this.#read(first, bytes);
    return Uint32Array.from({ length: count }, (_, place) =>
      bytes.readUInt32LE(place * ENTRY_BYTES + entryFields.weight),
    );
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
    if (this.#longIds !== undefined) closeSync(this.#longIds);
  }

  #entryOf(sample: number, page: number): Buffer {
    const first = this.#table.pageStarts[page] as number;
    const start = (sample - first) * ENTRY_BYTES;
    const known = entryCache.get(this.#table.id, page);
    if (known !== undefined) return known.subarray(start, start + ENTRY_BYTES);
    const bytes = (this.#table.pageCounts[page] as number) * ENTRY_BYTES;
    const entries = this.#read(first, Buffer.allocUnsafeSlow(bytes));
    entryCache.add(this.#table.id, page, entries);
    return entries.subarray(start, start + ENTRY_BYTES);
  }

  /** Fills `entries` with those from a sample on. */
  #read(first: number, entries: Buffer): Buffer {
    readSync(this.#file, entries, 0, entries.length, first * ENTRY_BYTES);
    return entries;
  }

  #idOf(entry: Buffer): Uint8Array {
    const length = entry.readUInt16LE(entryFields.idLength);
    if (length <= INLINE_ID_BYTES) return entry.subarray(entryFields.id, entryFields.id + length);
    this.#longIds ??= openSync(longIdsPath(this.#table.path), "r");
    const id = Buffer.allocUnsafe(length);
    readSync(this.#longIds, id, 0, length, entry.readUIntLE(entryFields.id, 6));
    return id;
  }
}

/** Whether entry and line are what was written; looked at when a process reads the sample first. */
export function isRight({ verified }: SampleTable, { sample, entry }: SamplePlace, line: Uint8Array): boolean {
  const [place, bit] = [Math.floor(sample / 8), 1 << (sample % 8)];
  if (((verified[place] as number) & bit) !== 0) return true;
  if (checkOf(entry, line) !== entry.readUInt32LE(entryFields.check)) return false;
  verified[place] = (verified[place] as number) | bit;
  return true;
}
