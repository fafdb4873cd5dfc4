import { expect, test } from "vitest";
import { HeaderRoom, roomBytes } from "./header-room.ts";

test("who finds no room waits its turn", async () => {
  const room = new HeaderRoom();
  const entered: string[] = [];
  const take = async (name: string, bytes: number) => {
    const taken = await room.take(bytes);
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
