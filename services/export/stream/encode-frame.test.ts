import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { encodeFrame } from "./encode-frame.ts";

test("a batch is the caller's for this turn of the event loop, and its memory free after it", async () => {
  const frame = Buffer.allocUnsafeSlow(300_000).fill(7);
  const bytes = encodeFrame(frame);
  expect([bytes.length, bytes.at(0), bytes.at(-1)]).toEqual([300_000, 7, 7]);
  await turn();
  expect(frame.buffer.byteLength).toBe(0);
});
