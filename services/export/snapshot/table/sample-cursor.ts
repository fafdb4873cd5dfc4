import { rmSync } from "node:fs";
import { basename } from "node:path";
import { crc32 } from "node:zlib";
import { tableDamaged } from "../snapshot-errors.ts";
import { entryCache } from "./entry-cache.ts";
import { checkOf, ENTRY_BYTES, entryFields, INLINE_ID_BYTES } from "./sample-entry.ts";
import { SamplePlace } from "./sample-place.ts";
import type { SampleTable } from "./sample-table.ts";
import { longIdsPath } from "./table-file.ts";

/** Reads a sample table for one stream. An entry that is not what was written removes the table, which can be made again, and throws SNAPSHOT_BUILDING. */
export class SampleCursor {
  readonly #table: SampleTable;
  readonly #wholePages: boolean;
  readonly #source: number;

  /** @param source place of the table's snapshot in the plan; @param wholePages true where samples of the same pages are asked for soon: then a page's entries are read at once and kept */
  constructor(table: SampleTable, source: number, wholePages: boolean) {
    this.#table = table;
    this.#source = source;
    this.#wholePages = wholePages;
  }

  /** @param page the page of the sample */
  at(sample: number, page: number): SamplePlace {
    const entries = this.#wholePages ? this.#entriesOf(page) : this.#read(sample, 1);
    const start = this.#wholePages ? (sample - (this.#table.pageStarts[page] as number)) * ENTRY_BYTES : 0;
    const idLength = entries.readUInt16LE(start + entryFields.idLength);
    const longId =
      idLength > INLINE_ID_BYTES
        ? this.#readLongId(entries.readUIntLE(start + entryFields.id, 6), idLength)
        : undefined;
    return new SamplePlace(sample, this.#source, entries, start, longId);
  }

  /** Weights of consecutive samples, in 10⁻⁶. */
  weights(first: number, count: number): Uint32Array {
    const entries = this.#read(first, count);
    return Uint32Array.from({ length: count }, (_, place) =>
      entries.readUInt32LE(place * ENTRY_BYTES + entryFields.weight),
    );
  }

  #entriesOf(page: number): Buffer {
    const { kept, pageStarts, pageCounts } = this.#table;
    const known = kept[page];
    if (known !== undefined) return known;
    const entries = this.#read(pageStarts[page] as number, pageCounts[page] as number);
    entryCache.add(kept, page, entries);
    return entries;
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

  #readLongId(start: number, length: number): Buffer {
    const id = Buffer.allocUnsafe(length);
    const { files, path } = this.#table;
    if (!files.read(longIdsPath(path), start, id)) this.#fail();
    return id;
  }

  #fail(): never {
    const { files, path } = this.#table;
    files.close(path);
    rmSync(path, { force: true });
    throw tableDamaged(basename(path));
  }
}

/** Whether its line, which begins at `start` of `lines`, is what was written; looked at when a process reads it first. */
export function isRight({ verified }: SampleTable, place: SamplePlace, lines: Buffer, start: number): boolean {
  const [byte, bit] = [place.sample >>> 3, 1 << (place.sample & 7)];
  if (((verified[byte] as number) & bit) !== 0) return true;
  if (crc32(lines.subarray(start, start + place.length)) !== place.lineCheck) return false;
  verified[byte] = (verified[byte] as number) | bit;
  return true;
}
