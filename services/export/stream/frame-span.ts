import { hash } from "node:crypto";
import type { BlockPages } from "../snapshot/blocks/block-cache.ts";
import { afterLines, type Page } from "../snapshot/blocks/page.ts";
import { type BatchFrame, layoutBatch } from "./frame-encoder.ts";

/** Samples `from` to `to` of one page. */
interface Slice {
  readonly page: Page;
  readonly from: number;
  readonly to: number;
}

/** What goes into one frame: consecutive samples of one block. */
export interface FrameSpan {
  readonly firstSample: number;
  readonly count: number;
  /** The pages it touches, by their place in the block. */
  readonly firstPage: number;
  readonly endPage: number;
  /** Where its lines begin in the block. */
  readonly offset: number;
  readonly lineBytes: number;
  readonly slices: readonly Slice[];
}

/**
 * The samples from `sample` on that go into one frame: whole pages as long as they fit `targetBytes` and `maxSamples`, at least one page.
 * A page is split where the stream begins inside it or where it alone has more samples than that.
 */
export function spanFrom(block: BlockPages, sample: number, targetBytes: number, maxSamples: number): FrameSpan {
  const firstPage = pageOf(block.pages, sample);
  const slices = [firstSlice(block.pages[firstPage] as Page, sample, maxSamples)];
  let [lineBytes, count] = [bytesIn(slices[0] as Slice), countIn(slices[0] as Slice)];
  let endPage = firstPage + 1;
  for (let page = block.pages[endPage]; page !== undefined && endsWhole(slices); page = block.pages[endPage]) {
    if (lineBytes + page.lineBytes > targetBytes || count + page.count > maxSamples) break;
    slices.push({ page, from: 0, to: page.count });
    lineBytes += page.lineBytes;
    count += page.count;
    endPage += 1;
  }
  const { page, from } = slices[0] as Slice;
  const offset = page.offset + bytesBetween(page, 0, from);
  return { firstSample: sample, count, firstPage, endPage, offset, lineBytes, slices };
}

/** The encoded frame without its lines. */
export function layoutSpan({ slices, lineBytes, count, firstSample }: FrameSpan): BatchFrame {
  const parts = {
    lineBytes,
    uncompressedBytes: 0,
    ids: slices.map(idsIn),
    weights: slices.map(({ page, from, to }) => page.weights.subarray(from, to)),
    runs: [{ first: firstSample, count }],
    segmentBytes: slices.map(bytesIn),
  };
  return layoutBatch(parts);
}

/** SHA-256 of each segment: known for whole pages, computed for parts of pages. */
export function segmentDigests({ slices }: FrameSpan, lines: Uint8Array): Uint8Array[] {
  let start = 0;
  return slices.map((slice) => {
    const end = start + bytesIn(slice);
    const digest = isWhole(slice) ? slice.page.digest : hash("sha256", lines.subarray(start, end), "buffer");
    start = end;
    return digest;
  });
}

function firstSlice(page: Page, sample: number, maxSamples: number): Slice {
  const from = sample - page.firstSample;
  return { page, from, to: Math.min(page.count, from + maxSamples) };
}

/** Binary search: the last page that begins at or before the sample. */
function pageOf(pages: readonly Page[], sample: number): number {
  let [low, high] = [0, pages.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((pages[middle] as Page).firstSample <= sample) low = middle;
    else high = middle - 1;
  }
  return low;
}

function idsIn({ page, from, to }: Slice): Uint8Array {
  const start = afterLines(page.ids, 0, from);
  return page.ids.subarray(start, to === page.count ? page.ids.length : afterLines(page.ids, start, to - from));
}

function endsWhole(slices: readonly Slice[]): boolean {
  const last = slices.at(-1);
  return last !== undefined && last.to === last.page.count;
}

function isWhole({ page, from, to }: Slice): boolean {
  return from === 0 && to === page.count;
}

function countIn({ from, to }: Slice): number {
  return to - from;
}

function bytesIn(slice: Slice): number {
  return isWhole(slice) ? slice.page.lineBytes : bytesBetween(slice.page, slice.from, slice.to);
}

function bytesBetween(page: Page, from: number, to: number): number {
  let bytes = 0;
  for (let sample = from; sample < to; sample += 1) bytes += page.lineLengths[sample] as number;
  return bytes;
}
