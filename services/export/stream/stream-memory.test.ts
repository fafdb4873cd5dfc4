import { expect, test } from "vitest";
import { StreamMemory } from "./stream-memory.ts";

const mib = 1024 * 1024;

test("one stream more than fits is refused, with the limit's name and when to try again", () => {
  const memory = new StreamMemory(2);
  const rooms = [1, 2, 3, 4].map(() => memory.open());
  expect(() => memory.open()).toThrow(
    expect.objectContaining({
      reason: "STREAMS_EXHAUSTED",
      retryAfterSeconds: 1,
      metadata: { limit: "stream_memory_mib", maximum: "2", streams: "4" },
    }),
  );
  rooms[0]?.[Symbol.dispose]();
  using again = memory.open();
  expect(() => again.fit(300_000)).toThrow(/4 open streams/);
});

test("a larger frame takes a larger share, which comes back with the stream", () => {
  const memory = new StreamMemory(20);
  {
    using room = memory.open();
    room.fit(10 * mib);
    expect(() => memory.open()).toThrow(/stream_memory_mib/);
  }
  for (let stream = 0; stream < 40; stream += 1) memory.open();
});

test("frames are large for up to eight streams", () => {
  const memory = new StreamMemory(64);
  const rooms = Array.from({ length: 8 }, () => memory.open());
  expect(memory.frameBytes).toBe(245_760);
  using ninth = memory.open();
  expect(memory.frameBytes).toBe(65_536);
  for (const room of rooms) room[Symbol.dispose]();
  ninth.fit(1);
  expect(memory.frameBytes).toBe(245_760);
});
