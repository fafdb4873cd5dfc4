import { expect, test } from "vitest";
import { cutText, textWidth } from "./text-width.ts";

test.for<[string, number]>([
  ["", 0],
  ["legal@1 → 2", 11],
  ["法律の判例", 10],
  ["ﾊﾝｶｸ", 4],
  ["Ｆｕｌｌ", 8],
  ["한국어", 6],
  ["cafe\u0301", 4],
  ["a\u200bb", 2],
  ["\u{1f469}\u200d\u2695\ufe0f", 2],
  ["\u{1f1e9}\u{1f1ea}", 2],
  ["\u{20000}", 2],
  ["…—é", 3],
])("%j takes %i columns", ([text, width]) => {
  expect(textWidth(text)).toBe(width);
});

test("what is cut fits, and no character is halved", () => {
  expect(cutText("abcdef", 6)).toBe("abcdef");
  expect(cutText("abcdefg", 6)).toBe("abcde…");
  expect(cutText("法律の判例", 9)).toBe("法律の判…");
  expect(cutText("法律の判例", 8)).toBe("法律の…");
  expect(cutText("ab\u{1f469}\u200d\u2695\ufe0fcd", 4)).toBe("ab…");
});
