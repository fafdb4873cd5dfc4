import { expect, test } from "vitest";
import { inByteOrder } from "./byte-order.ts";

test("texts come in the order of their UTF-8 bytes", () => {
  const texts = ["\u{1f600}", "\uffff", "b", "ab", "a", "é", "a.b", "a/b", ""];
  expect(inByteOrder(texts, (text) => text)).toEqual(["", "a", "a.b", "a/b", "ab", "b", "é", "\uffff", "\u{1f600}"]);
});
