import { rmSync } from "node:fs";
import { basename } from "node:path";
import { crc32 } from "node:zlib";
import { tableDamaged } from "../snapshot-errors.ts";
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
  /** CRC-32 of its line. */
  readonly lineCheck: number;
  readonly id: Uint8Array;
}

/** Reads a sample table for one stream. An entry that is not what was written removes the table, which can be made again, and throws SNAPSHOT_BUILDING. */
export class SampleCursor {
  readonly #table: SampleTable;
  readonly #wholePages: boolean;

  /** @param wholePages true where samples of the same pages are asked for soon: then a page's entries are read at once and kept */
  constructor(table: SampleTable, wholePages: boolean) {
    this.#table = table;
    this.#wholePages = wholePages;
  }

  /** @param page the page of the sample */
  at(sample: number, page: number): SamplePlace {
    const entry = this.#wholePages ? this.#entryOf(sample, page) : this.#read(sample, 1);
    return {
      sample,
      block: entry.readUInt32LE(entryFields.block),
      offset: entry.readUInt32LE(entryFields.offset),
      length: entry.readUInt32LE(entryFields.length),
      weightMicros: entry.readUInt32LE(entryFields.weight),
      lineCheck: entry.readUInt32LE(entryFields.lineCheck),
      id: this.#idOf(entry),
    };
  }

  /** Weights of consecutive samples, in 10⁻⁶. */
  weights(first: number, count: number): Uint32Array {
    const entries = this.#read(first, count);
    return Uint32Array.from({ length: count }, (_, place) =>
      entries.readUInt32LE(place * ENTRY_BYTES + entryFields.weight),
    );
  }

  #entryOf(sample: number, page: number): Buffer {
    const { id, pageStarts, pageCounts } = this.#table;
    const first = pageStarts[page] as number;
    let entries = entryCache.get(id, page);
    if (entries === undefined) {
      entries = this.#read(first, pageCounts[page] as number);
      entryCache.add(id, page, entries);
    }
    const start = (sample - first) * ENTRY_BYTES;
    return entries.subarray(start, start + ENTRY_BYTES);
  }

  /** Entries from a sample on, each checked. */
  #read(first: number, count: number): Buffer {
    const entries = Buffer.allocUnsafe(count * ENTRY_BYTES);
    const { files, path } = this.#table;
    if (!files.read(path, first * ENTRY_BYTES, entries)) this.#fail();
    for (let start = 0; start < entries.length; start += ENTRY_BYTES) {
      const entry = entries.subarray(start, start + ENTRY_BYTES);
      if (checkOf(entry) !== entry.readUInt32LE(entryFields.check)) this.#fail();
    }
    return entries;
  }

  #idOf(entry: Buffer): Uint8Array {
    const length = entry.readUInt16LE(entryFields.idLength);
    if (length <= INLINE_ID_BYTES) return entry.subarray(entryFields.id, entryFields.id + length);
    const id = Buffer.allocUnsafe(length);
    const { files, path } = this.#table;
    if (!files.read(longIdsPath(path), entry.readUIntLE(entryFields.id, 6), id)) this.#fail();
    return id;
  }

  #fail(): never {
    const { files, path } = this.#table;
    files.close(path);
    rmSync(path, { force: true });
    throw tableDamaged(basename(path));
  }
}

/** Whether the line is what was written; looked at when a process reads it first. */
export function isRight({ verified }: SampleTable, { sample, lineCheck }: SamplePlace, line: Uint8Array): boolean {
  const [place, bit] = [Math.floor(sample / 8), 1 << (sample % 8)];
  if (((verified[place] as number) & bit) !== 0) return true;
  if (crc32(line) !== lineCheck) return false;
  verified[place] = (verified[place] as number) | bit;
  return true;
}
