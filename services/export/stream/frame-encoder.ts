/**
 * Encodes the batch frame by hand, byte for byte as the generated encoder would: everything but the lines, whose place it leaves
 * free so that they are read from the block's file straight into the frame. The generated code costs a quarter of the way.
 */

import type { Run } from "../plan/share.ts";

export interface BatchParts {
  /** Bytes of the lines as they go out. */
  readonly lineBytes: number;
  /** Bytes of the lines before they were compressed; 0 where they were not. */
  readonly uncompressedBytes: number;
  /** Ids, each followed by a line feed, in runs. */
  readonly ids: readonly Uint8Array[];
  /** In 10⁻⁶, in runs; empty where the stream is not weighted. */
  readonly weights: readonly Uint32Array[];
  readonly runs: readonly Run[];
  readonly segmentBytes: readonly number[];
}

export interface BatchFrame {
  /** An encoded StreamSamplesResponse. */
  readonly bytes: Buffer<ArrayBuffer>;
  /** Where the lines belong. */
  readonly lines: Buffer<ArrayBuffer>;
}

const LINE_FEED = 10;
const TAG_BATCH = 0x12;
const TAG_LINES = 0x0a;
const TAG_ID = 0x12;
const TAG_WEIGHTS = 0x1a;
const TAG_INDEX_RUN = 0x22;
const TAG_FIRST = 0x08;
const TAG_COUNT = 0x10;
const TAG_SEGMENTS = 0x2a;
const TAG_UNCOMPRESSED = 0x30;
const MAX_VARINT = 8;

export function layoutBatch(parts: BatchParts): BatchFrame {
  const tail = writeTail(parts);
  const batchBytes = fieldSize(parts.lineBytes) + tail.length;
  const bytes = Buffer.allocUnsafeSlow(1 + varintSize(batchBytes) + batchBytes);
  const linesStart = writeTagged(bytes, writeTagged(bytes, 0, TAG_BATCH, batchBytes), TAG_LINES, parts.lineBytes);
  const linesEnd = linesStart + parts.lineBytes;
  tail.copy(bytes, linesEnd);
  return { bytes, lines: bytes.subarray(linesStart, linesEnd) };
}

/** Everything after the lines; valid until the next call. */
function writeTail(parts: BatchParts): Buffer {
  const weightBytes = parts.weights.reduce((sum, run) => sum + varintsSize(run), 0);
  const runBytes = parts.runs.reduce((sum, run) => sum + fieldSize(indexRunSize(run)), 0);
  const segmentBytes = varintsSize(parts.segmentBytes);
  const idBytes = parts.ids.reduce((sum, run) => sum + 2 * run.length, 0);
  const tail = scratchOf(idBytes + fieldSize(weightBytes) + runBytes + fieldSize(segmentBytes) + 1 + MAX_VARINT);
  let place = 0;
  for (const run of parts.ids) place = writeIds(tail, place, run);
  if (weightBytes > 0) place = writeTagged(tail, place, TAG_WEIGHTS, weightBytes);
  for (const run of parts.weights) place = writeVarints(tail, place, run);
  for (const run of parts.runs) {
    place = writeIndexRun(tail, writeTagged(tail, place, TAG_INDEX_RUN, indexRunSize(run)), run);
  }
  place = writeVarints(tail, writeTagged(tail, place, TAG_SEGMENTS, segmentBytes), parts.segmentBytes);
  if (parts.uncompressedBytes > 0) place = writeTagged(tail, place, TAG_UNCOMPRESSED, parts.uncompressedBytes);
  return tail.subarray(0, place);
}

let scratch = Buffer.allocUnsafeSlow(64 * 1024);

function scratchOf(length: number): Buffer {
  if (scratch.length < length) scratch = Buffer.allocUnsafeSlow(length * 2);
  return scratch.subarray(0, length);
}

/** Bytes of tag, length and content; an empty field is not written. */
function fieldSize(contentBytes: number): number {
  return contentBytes === 0 ? 0 : 1 + varintSize(contentBytes) + contentBytes;
}

/** At most twice as long as they are: an id of a byte and its line feed become three, of up to 127 bytes one more, longer ones two. */
function writeIds(target: Buffer, place: number, ids: Uint8Array): number {
  let [start, next] = [place + 2, place + 2];
  for (const byte of ids) {
    if (byte !== LINE_FEED) target[next++] = byte;
    else start = next = writeIdHead(target, start, next) + 2;
  }
  return start - 2;
}

/** Tag and length before an id that was written after room for two bytes; gives its end. */
function writeIdHead(target: Buffer, start: number, end: number): number {
  const length = end - start;
  const lengthSize = varintSize(length);
  if (lengthSize > 1) target.copyWithin(start + lengthSize - 1, start, end);
  writeTagged(target, start - 2, TAG_ID, length);
  return end + lengthSize - 1;
}

function indexRunSize({ first, count }: Run): number {
  return (first === 0 ? 0 : 1 + varintSize(first)) + 1 + varintSize(count);
}

function writeIndexRun(target: Buffer, place: number, { first, count }: Run): number {
  const next = first === 0 ? place : writeTagged(target, place, TAG_FIRST, first);
  return writeTagged(target, next, TAG_COUNT, count);
}

function writeTagged(target: Buffer, place: number, tag: number, value: number): number {
  target[place] = tag;
  return writeVarint(target, place + 1, value);
}

function varintsSize(values: Uint32Array | readonly number[]): number {
  let size = 0;
  for (const value of values) size += varintSize(value);
  return size;
}

function writeVarints(target: Buffer, place: number, values: Uint32Array | readonly number[]): number {
  let next = place;
  for (const value of values) next = writeVarint(target, next, value);
  return next;
}

/** For integers from 0 to 2^53 − 1. */
function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

function writeVarint(target: Buffer, place: number, value: number): number {
  let [next, rest] = [place, value];
  while (rest >= 128) {
    target[next++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  target[next++] = rest;
  return next;
}
