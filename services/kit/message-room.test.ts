import { expect, test } from "vitest";
import { MessageRoom } from "./message-room.ts";

const whole = 4 * 1024 * 1024 - 1024;

test("takes what fits, to the byte", () => {
  for (const [bytes, fits] of [
    [whole - 112, true],
    [whole - 111, false],
  ] as const) {
    const room = new MessageRoom();
    expect([room.take(100), room.take(bytes)]).toEqual([true, fits]);
  }
});

test("takes a first item of any size, and then no other", () => {
  const room = new MessageRoom();
  expect([room.take(whole * 2), room.take(0)]).toEqual([true, false]);
});
