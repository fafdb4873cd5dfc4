import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { untilIdle } from "./until-idle.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** An item after each of these waits, in seconds. */
async function* after(...waits: number[]): AsyncGenerator<number> {
  for (const seconds of waits) {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    yield seconds;
  }
}

async function read(items: AsyncIterable<number>): Promise<number[]> {
  const read = Array.fromAsync(untilIdle(items, 600, () => new Error("idle")));
  read.catch(() => undefined);
  await vi.advanceTimersByTimeAsync(10_000_000);
  return read;
}

test("items that come in time come through, however long it takes altogether", async () => {
  expect(await read(after(599, 599, 599))).toEqual([599, 599, 599]);
});

test("where none comes for so long, that is thrown, before the first item and after others", async () => {
  await expect(read(after(601))).rejects.toThrow("idle");
  await expect(read(after(1, 601))).rejects.toThrow("idle");
});

test("the reader may take its time", async () => {
  const items = untilIdle(after(1, 1), 600, () => new Error("idle"));
  const reading = (async () => {
    const read: number[] = [];
    for await (const item of items) {
      read.push(item);
      await new Promise((resolve) => setTimeout(resolve, 5_000_000));
    }
    return read;
  })();
  await vi.advanceTimersByTimeAsync(20_000_000);
  expect(await reading).toEqual([1, 1]);
  expect(vi.getTimerCount()).toBe(0);
});
