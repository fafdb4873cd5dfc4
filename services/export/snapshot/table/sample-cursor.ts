import { closeSync, openSync, readSync } from "node:fs";
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

/** Entries read at once where samples are asked for one after the other. */
const AHEAD = 64;

/** Reads a sample table for one stream: synchronously, since single entries come from the page cache in less time than a turn of the event loop. */
export class SampleCursor implements Disposable {
  readonly #table: SampleTable;
  readonly #file: number;
  #longIds: number | undefined;
  #entries: Buffer = Buffer.alloc(0);
  /** Sample of the first entry in memory. */
  #first = 0;
  #next = 0;

  constructor(table: SampleTable) {
    this.#table = table;
    this.#file = openSync(table.path, "r");
  }

  /** @param sample below the table's count */
  at(sample: number): SamplePlace {
    const entry = this.#entryOf(sample);
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
    readSync(this.#file, bytes, 0, bytes.length, first * ENTRY_BYTES);
    return Uint32Array.from({ length: count }, (_, place) =>
      bytes.readUInt32LE(place * ENTRY_BYTES + entryFields.weight),
    );
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
    if (this.#longIds !== undefined) closeSync(this.#longIds);
  }

  #entryOf(sample: number): Buffer {
    const known = sample - this.#first;
    if (known < 0 || known * ENTRY_BYTES >= this.#entries.length) this.#load(sample, sample === this.#next ? AHEAD : 1);
    this.#next = sample + 1;
    const start = (sample - this.#first) * ENTRY_BYTES;
    return this.#entries.subarray(start, start + ENTRY_BYTES);
  }

  #load(first: number, count: number): void {
    const bytes = Math.min(count, this.#table.sampleCount - first) * ENTRY_BYTES;
    this.#entries = Buffer.allocUnsafe(bytes);
    this.#first = first;
    readSync(this.#file, this.#entries, 0, bytes, first * ENTRY_BYTES);
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

/** Whether entry and line are what was written. */
export function isRight({ entry }: SamplePlace, line: Uint8Array): boolean {
  return checkOf(entry, line) === entry.readUInt32LE(entryFields.check);
}
