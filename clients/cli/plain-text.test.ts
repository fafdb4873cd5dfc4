import { expect, test } from "vitest";
import { toOneLine, toPlainJson, toPlainLines, withoutSecrets } from "./plain-text.ts";

test("nothing moves the cursor, ends a line or turns the direction", () => {
  expect(toOneLine("a\nb\u001b]0;x\u0007")).toBe("a b ]0;x ");
  expect(toOneLine("a\u009b2Jb\u2028c\u2029d\u007f")).toBe("a 2Jb c d ");
  for (const turn of ["\u061c", "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069"])
    expect(toOneLine(`a${turn}b`)).toBe("a b");
  expect(toOneLine("für 法律 \u{1f469}\u200d\u2695\ufe0f")).toBe("für 法律 \u{1f469}\u200d\u2695\ufe0f");
  expect(toPlainLines("a\nb\rc\n")).toBe("a\nb c\n");
});

test("JSON says the same, escaped", () => {
  const value = { "a\u202e": "b\u009b2J\u007f\u2028\u001b[2J" };
  const json = toPlainJson(JSON.stringify(value));
  expect(json).toMatch(/^[ -~]+$/);
  expect(JSON.parse(json)).toEqual(value);
});

test("of a token only the id is shown", () => {
  const text = `a ll_abcdefghijkl_${"S3-_".repeat(10)}abc b ll_abcdefghijkl`;
  expect(withoutSecrets(text)).toBe("a ll_abcdefghijkl_… b ll_abcdefghijkl");
});
