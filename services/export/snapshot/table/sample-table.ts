import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { OpenFiles } from "../blocks/open-files.ts";
import { words } from "../blocks/page.ts";
import type { KeptEntries } from "./entry-cache.ts";
import { ENTRY_BYTES } from "./sample-entry.ts";
import { DIGEST_BYTES, decodeTrailer, longIdsPath, TRAILER_BYTES } from "./table-file.ts";

/** What a sample table says about the whole snapshot; 20 bytes a page, 32 a block, a bit a sample. */
export interface SampleTable {
  readonly path: string;
  /** Reads it. */
  readonly files: OpenFiles;
  /** Whether some ids lie in a file of their own. */
  readonly hasLongIds: boolean;
  readonly sampleCount: number;
  /** Samples of each page. */
  readonly pageCounts: Uint32Array;
  /** Number of the first sample of each page. */
  readonly pageStarts: Float64Array;
  /** SHA-256 of each block. */
  readonly blockDigests: readonly Uint8Array[];
  /** One bit a sample: 1 where this process has read it and found it right. */
  readonly verified: Uint8Array;
  /** Filled and emptied by `entryCache`. */
  readonly kept: KeptEntries;
}

/** Undefined where there is none, or none that is whole. */
export function openSampleTable(path: string, files: OpenFiles): SampleTable | undefined {
  const file = openIfThere(path);
  if (file === undefined) return undefined;
  try {
    return readTable(path, file, files);
  } finally {
    closeSync(file);
  }
}

function readTable(path: string, file: number, files: OpenFiles): SampleTable | undefined {
  const { size } = fstatSync(file);
  const trailer = decodeTrailer(readAt(file, Math.max(0, size - TRAILER_BYTES), Math.min(size, TRAILER_BYTES)));
  if (trailer === undefined) return undefined;
  const { sampleCount, pageCount, blockCount, longIdBytes, check } = trailer;
  if (longIdBytes > 0 && sizeOf(longIdsPath(path)) !== longIdBytes) return undefined;
  const sectionBytes = pageCount * 4 + blockCount * DIGEST_BYTES;
  if (size !== sampleCount * ENTRY_BYTES + sectionBytes + TRAILER_BYTES) return undefined;
  const sections = readAt(file, sampleCount * ENTRY_BYTES, sectionBytes);
  if (crc32(sections) !== check) return undefined;
  const pageCounts = words(sections.subarray(0, pageCount * 4));
  const blockDigests = Array.from({ length: blockCount }, (_, block) => {
    const start = pageCount * 4 + block * DIGEST_BYTES;
    return sections.subarray(start, start + DIGEST_BYTES);
  });
  const verified = new Uint8Array(Math.ceil(sampleCount / 8));
  return {
    path,
    files,
    hasLongIds: longIdBytes > 0,
    sampleCount,
    pageCounts,
    pageStarts: startsOf(pageCounts),
    blockDigests,
    verified,
    kept: new Array<Buffer | undefined>(pageCount),
  };
}

function startsOf(counts: Uint32Array): Float64Array {
  const starts = new Float64Array(counts.length);
  let start = 0;
  for (let page = 0; page < counts.length; page += 1) {
    starts[page] = start;
    start += counts[page] as number;
  }
  return starts;
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function readAt(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const read = readSync(file, bytes, 0, length, position);
  return bytes.subarray(0, read);
}
