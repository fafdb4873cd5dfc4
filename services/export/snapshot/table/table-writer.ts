import { randomUUID } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import type { Page } from "../blocks/page.ts";
import { ByteBuilder } from "../build/byte-builder.ts";
import { writeAll } from "../write-all.ts";
import { checkOf, ENTRY_BYTES, entryFields, INLINE_ID_BYTES } from "./sample-entry.ts";
import { encodeTrailer, longIdsPath } from "./table-file.ts";

const LINE_FEED = 10;
const FLUSH_BYTES = 256 * 1024;

/** Writes the sample table of one snapshot, page by page; it has its name only once it is whole. Synchronous. */
export class TableWriter {
  readonly #path: string;
  readonly #building: string;
  readonly #file: number;
  readonly #entries = new ByteBuilder(FLUSH_BYTES + 64 * 1024);
  /** The entry that is made. */
  readonly #entry = Buffer.alloc(ENTRY_BYTES);
  readonly #digests: Uint8Array[] = [];
  #longIds: { readonly file: number; bytes: number } | undefined;
  #pageCounts: number[] = [];
  #sampleCount = 0;

  constructor(path: string) {
    this.#path = path;
    this.#building = `${path}.${randomUUID()}`;
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(this.#building, "wx", 0o600);
  }

  /** The next page of the block that is being written, and its lines. */
  addPage({ count, offset, lineLengths, weights, ids }: Page, lines: Uint8Array): void {
    let [lineStart, idStart] = [0, 0];
    for (let sample = 0; sample < count; sample += 1) {
      const length = lineLengths[sample] as number;
      const idEnd = ids.indexOf(LINE_FEED, idStart);
      const line = lines.subarray(lineStart, lineStart + length);
      this.#addEntry(
        { offset: offset + lineStart, weight: weights[sample] ?? 1_000_000 },
        ids.subarray(idStart, idEnd),
        line,
      );
      lineStart += length;
      idStart = idEnd + 1;
    }
    this.#pageCounts.push(count);
    this.#sampleCount += count;
    if (this.#entries.length >= FLUSH_BYTES) this.#flush();
  }

  endBlock(digest: Uint8Array): void {
    this.#digests.push(digest);
  }

  /** On disk, under its name. */
  finish(): void {
    this.#flush();
    const counts = Uint32Array.from(this.#pageCounts);
    const sections = Buffer.concat([new Uint8Array(counts.buffer), ...this.#digests]);
    const shape = { sampleCount: this.#sampleCount, pageCount: counts.length, blockCount: this.#digests.length };
    const longIdBytes = this.#longIds?.bytes ?? 0;
    writeAll(this.#file, sections);
    writeAll(this.#file, encodeTrailer({ ...shape, longIdBytes, check: crc32(sections) }));
    this.#close(true);
    if (this.#longIds !== undefined) renameSync(longIdsPath(this.#building), longIdsPath(this.#path));
    renameSync(this.#building, this.#path);
  }

  /** Removes what was written. */
  abandon(): void {
    this.#close(false);
    for (const path of [this.#building, longIdsPath(this.#building)]) rmSync(path, { force: true });
  }

  #addEntry(place: { readonly offset: number; readonly weight: number }, id: Uint8Array, line: Uint8Array): void {
    const entry = this.#entry.fill(0);
    entry.writeUInt32LE(this.#digests.length, entryFields.block);
    entry.writeUInt32LE(place.offset, entryFields.offset);
    entry.writeUInt32LE(line.length, entryFields.length);
    entry.writeUInt32LE(place.weight, entryFields.weight);
    entry.writeUInt16LE(id.length, entryFields.idLength);
    if (id.length <= INLINE_ID_BYTES) entry.set(id, entryFields.id);
    else entry.writeUIntLE(this.#addLongId(id), entryFields.id, 6);
    entry.writeUInt32LE(crc32(line), entryFields.lineCheck);
    entry.writeUInt32LE(checkOf(entry), entryFields.check);
    this.#entries.append(entry, 0, ENTRY_BYTES);
  }

  /** Where it begins. */
  #addLongId(id: Uint8Array): number {
    this.#longIds ??= { file: openSync(longIdsPath(this.#building), "wx", 0o600), bytes: 0 };
    const start = this.#longIds.bytes;
    writeAll(this.#longIds.file, id);
    this.#longIds.bytes += id.length;
    return start;
  }

  #flush(): void {
    writeAll(this.#file, this.#entries.view);
    this.#entries.clear();
  }

  #close(sync: boolean): void {
    for (const file of [this.#file, this.#longIds?.file]) {
      if (file === undefined) continue;
      if (sync) fsyncSync(file);
      closeSync(file);
    }
  }
}
