import { expect, test } from "vitest";
import { HeaderRoom, roomBytes } from "./header-room.ts";

const { signal } = new AbortController();

test("who finds no room waits its turn", async () => {
  const room = new HeaderRoom();
  const entered: string[] = [];
  const take = async (name: string, bytes: number) => {
    const taken = await room.take(bytes, signal);
    entered.push(name);
    return taken;
  };
  const most = await take("most", roomBytes - 10);
  const ten = await take("ten", 10);
  const large = take("large", roomBytes * 3);
  const small = take("small", 1);
  ten[Symbol.dispose]();
  await Promise.resolve();
  expect(entered).toEqual(["most", "ten"]);
  most[Symbol.dispose]();
  const all = await large;
  expect(entered).toEqual(["most", "ten", "large"]);
  all[Symbol.dispose]();
  await small;
  expect(entered).toEqual(["most", "ten", "large", "small"]);
});

test("who is cancelled leaves the place", async () => {
  const room = new HeaderRoom();
  const taken = await room.take(roomBytes - 10, signal);
  const cancel = new AbortController();
  const large = room.take(roomBytes, cancel.signal);
  const small = room.take(1, signal);
  cancel.abort(new Error("no longer wanted"));
  await expect(large).rejects.toThrow("no longer wanted");
  using _one = await small;
  await expect(room.take(1, cancel.signal)).rejects.toThrow("no longer wanted");
  taken[Symbol.dispose]();
  using _rest = await room.take(roomBytes - 1, signal);
});
