import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { untilAborted } from "./until-aborted.ts";

test("hands on the items, and ends when told although no item comes", async () => {
  const stop = new AbortController();
  async function* endless(): AsyncGenerator<number> {
    yield 1;
    yield 2;
    await new Promise(() => {});
  }
  const items = untilAborted(endless(), stop.signal);
  expect([(await items.next()).value, (await items.next()).value]).toEqual([1, 2]);
  const last = items.next();
  stop.abort();
  expect((await last).done).toBe(true);
});

test("ends with the items, and hands on their failure", async () => {
  const { signal } = new AbortController();
  async function* broken(): AsyncGenerator<number> {
    yield 1;
    throw new Error("broken off");
  }
  expect(await Array.fromAsync(untilAborted((async function* () {})(), signal))).toEqual([]);
  await expect(Array.fromAsync(untilAborted(broken(), signal))).rejects.toThrow("broken off");
  expect(await Array.fromAsync(untilAborted(broken(), AbortSignal.abort()))).toEqual([]);
});

test("keeps no item that was handed on", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const given: WeakRef<object>[] = [];
  async function* source(): AsyncGenerator<object> {
    for (let number = 0; number < 100; number += 1) {
      const item = { number };
      given.push(new WeakRef(item));
      yield item;
    }
  }
  const items = untilAborted(source(), new AbortController().signal);
  for (let taken = 0; taken < 100; taken += 1) await items.next();
  await new Promise(setImmediate);
  collectGarbage();
  expect(given.filter((item) => item.deref() !== undefined).length).toBeLessThan(5);
});
