import { expect, test } from "vitest";
import { FrameBuffers } from "./frame-buffers.ts";

test("a frame fills its memory exactly, so that it is sent without a copy", () => {
  const buffers = new FrameBuffers();
  for (const length of [10, 300_000, 1, 500_000]) {
    const { bytes, release } = buffers.take(length);
    expect([bytes.length, bytes.buffer.byteLength]).toEqual([length, length]);
    expect(Buffer.from(bytes.buffer).buffer).toBe(bytes.buffer);
    release();
  }
});

test("memory is lent again after its release, not before", () => {
  const buffers = new FrameBuffers();
  const first = buffers.take(5);
  expect(buffers.take(5).bytes.buffer).not.toBe(first.bytes.buffer);
  first.release();
  expect(buffers.take(300_000).bytes.buffer).toBe(first.bytes.buffer);
});
