import { expect, test } from "vitest";
import { afterKey, compareKeys, prefixRange } from "./range.ts";

test("a prefix ends before the next one", () => {
  expect(prefixRange(Uint8Array.of(1, 2)).end).toEqual(Uint8Array.of(1, 3));
  expect(prefixRange(Uint8Array.of(1, 0xff, 0xff)).end).toEqual(Uint8Array.of(2));
});

test("a prefix is left as it is", () => {
  const prefix = Buffer.of(1, 2);
  expect(prefixRange(prefix)).toEqual({ start: Buffer.of(1, 2), end: Uint8Array.of(1, 3) });
});

test("no key lies outside the empty prefix, or behind one of 0xff bytes", () => {
  const greatest = new Uint8Array(1024).fill(0xff);
  for (const prefix of [new Uint8Array(), Uint8Array.of(0xff), greatest]) {
    expect(compareKeys(greatest, prefixRange(prefix).end)).toBeLessThan(0);
  }
});

test("nothing lies between a key and the one after it", () => {
  expect(afterKey(Uint8Array.of(7))).toEqual(Uint8Array.of(7, 0));
});
