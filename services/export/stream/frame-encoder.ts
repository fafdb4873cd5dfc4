/**
 * Encodes the batch frame by hand, byte for byte as the generated encoder would: everything but the lines, whose place it leaves
 * free so that they are read from the block's file straight into the frame. The generated code costs a quarter of the way.
 */

import type { Run } from "../plan/share.ts";
import type { FrameBuffer, FrameBuffers } from "./frame-buffers.ts";

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
  readonly buffer: FrameBuffer;
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

/** Two tags and two lengths. Written apart, as the tail is, since single bytes go slowly into a resizable buffer. */
const head = Buffer.allocUnsafeSlow(32);

export function layoutBatch(parts: BatchParts, buffers: FrameBuffers): BatchFrame {
  const tail = writeTail(parts);
  const batchBytes = fieldSize(parts.lineBytes) + tail.length;
  const buffer = buffers.take(1 + varintSize(batchBytes) + batchBytes);
  const { bytes } = buffer;
  const linesStart = writeTagged(head, writeTagged(head, 0, TAG_BATCH, batchBytes), TAG_LINES, parts.lineBytes);
  head.copy(bytes, 0, 0, linesStart);
  const linesEnd = linesStart + parts.lineBytes;
  tail.copy(bytes, linesEnd);
  return { buffer, lines: bytes.subarray(linesStart, linesEnd) };
}

/** Everything after the lines; valid until the next call. */
function writeTail(parts: BatchParts): Buffer {
  const weightBytes = parts.weights.reduce((sum, run) => sum + varintsSize(run), 0);
  const runBytes = parts.runs.reduce((sum, run) => sum + fieldSize(indexRunSize(run)), 0);
  const segmentBytes = varintsSize(parts.segmentBytes);
  const idBytes = parts.ids.reduce((sum, run) => sum + idsSize(run), 0);
  const { uncompressedBytes } = parts;
  const uncompressedSize = uncompressedBytes === 0 ? 0 : 1 + varintSize(uncompressedBytes);
  const tail = scratchOf(idBytes + fieldSize(weightBytes) + runBytes + fieldSize(segmentBytes) + uncompressedSize);
  let place = 0;
  for (const run of parts.ids) place = writeIds(tail, place, run);
  if (weightBytes > 0) place = writeTagged(tail, place, TAG_WEIGHTS, weightBytes);
  for (const run of parts.weights) place = writeVarints(tail, place, run);
  for (const run of parts.runs) {
    place = writeIndexRun(tail, writeTagged(tail, place, TAG_INDEX_RUN, indexRunSize(run)), run);
  }
  place = writeVarints(tail, writeTagged(tail, place, TAG_SEGMENTS, segmentBytes), parts.segmentBytes);
  if (uncompressedBytes > 0) writeTagged(tail, place, TAG_UNCOMPRESSED, uncompressedBytes);
  return tail;
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

/** Each id gives up its line feed for its length. */
function idsSize(ids: Uint8Array): number {
  let size = ids.length;
  for (let start = 0; start < ids.length; ) {
    const end = ids.indexOf(LINE_FEED, start);
    size += varintSize(end - start);
    start = end + 1;
  }
  return size;
}

function writeIds(target: Buffer, place: number, ids: Uint8Array): number {
  let next = place;
  for (let start = 0; start < ids.length; ) {
    const end = ids.indexOf(LINE_FEED, start);
    next = writeTagged(target, next, TAG_ID, end - start);
    for (; start < end; start += 1) target[next++] = ids[start] as number;
    start = end + 1;
  }
  return next;
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
