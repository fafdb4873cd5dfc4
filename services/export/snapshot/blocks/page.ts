import type { StoredBlock } from "../../../../proto/gen/loraloop/storage/v1/snapshot.ts";

/** One page's part of the index. */
export interface Page {
  /** Number of its first sample. */
  readonly firstSample: number;
  readonly count: number;
  /** Where its lines begin in the block. */
  readonly offset: number;
  readonly lineBytes: number;
  /** SHA-256 of its lines. */
  readonly digest: Uint8Array;
  /** Bytes of each line with its line feed. */
  readonly lineLengths: Uint32Array;
  /** In 10⁻⁶; empty where the snapshot is not weighted. */
  readonly weights: Uint32Array;
  /** Record ids, each followed by a line feed. */
  readonly ids: Uint8Array;
}

const LINE_FEED = 10;

/** The pages of a stored block; they share its memory. */
export function pagesOf(block: StoredBlock): Page[] {
  const lengths = words(block.lineLengths);
  const weights = words(block.weightsMicros);
  let firstSample = Number(block.firstSample);
  let [place, offset, idStart] = [0, 0, 0];
  return block.pages.map(({ count, lineBytes, digest }) => {
    const idEnd = afterLines(block.ids, idStart, count);
    const page: Page = {
      firstSample,
      count,
      offset,
      lineBytes,
      digest,
      lineLengths: lengths.subarray(place, place + count),
      weights: weights.subarray(place, place + count),
      ids: block.ids.subarray(idStart, idEnd),
    };
    firstSample += count;
    place += count;
    offset += lineBytes;
    idStart = idEnd;
    return page;
  });
}

/** Where `count` lines end that begin at `start`. */
export function afterLines(bytes: Uint8Array, start: number, count: number): number {
  let end = start;
  for (let line = 0; line < count; line += 1) end = bytes.indexOf(LINE_FEED, end) + 1;
  return end;
}

/** Little-endian words, as all platforms that we run on have them. */
export function words(bytes: Uint8Array): Uint32Array {
  return bytes.byteOffset % 4 === 0
    ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
    : new Uint32Array(new Uint8Array(bytes).buffer);
}

export function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
