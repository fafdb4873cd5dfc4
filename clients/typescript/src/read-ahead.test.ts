import fc from "fast-check";
import { expect, test } from "vitest";
import { readAhead } from "./read-ahead.ts";

const options = { bytesOf: (item: number) => item, cancel: () => undefined };

async function* give(items: Iterable<number>, given: number[] = []): AsyncGenerator<number> {
  for (const item of items) {
    given.push(item);
    yield item;
  }
}

test("all items come in order, whatever the limit", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(9)), fc.nat(20), async (items, maxBytes) => {
      expect(await Array.fromAsync(readAhead(give(items), { ...options, maxBytes }))).toEqual(items);
    }),
  );
});

test("reading stops at the limit and goes on as the consumer takes", async () => {
  const given: number[] = [];
  const read = readAhead(give([4, 4, 4, 4, 4], given), { ...options, maxBytes: 10 });
  expect(await read.next()).toEqual({ value: 4, done: false });
  await expect.poll(() => given.length).toBe(4);
  await read.next();
  await expect.poll(() => given.length).toBe(5);
  await read.return(undefined);
});

test("what the source throws comes after what it gave", async () => {
  async function* failing(): AsyncGenerator<number> {
    yield 1;
    yield 2;
    throw new Error("broken");
  }
  const taken: number[] = [];
  const loop = async (): Promise<void> => {
    for await (const item of readAhead(failing(), { ...options, maxBytes: 100 })) taken.push(item);
  };
  await expect(loop()).rejects.toThrow("broken");
  expect(taken).toEqual([1, 2]);
});

test("leaving the loop cancels the read that is under way", async () => {
  const waiting = Promise.withResolvers<void>();
  const done: string[] = [];
  async function* stuck(): AsyncGenerator<number> {
    try {
      yield 1;
      await waiting.promise;
    } finally {
      done.push("ended");
    }
  }
  const cancel = (): void => waiting.reject(new Error("cancelled"));
  for await (const _item of readAhead(stuck(), { ...options, maxBytes: 100, cancel })) break;
  expect(done).toEqual(["ended"]);
});
