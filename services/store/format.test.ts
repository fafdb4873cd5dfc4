import { expect, test } from "vitest";
import { newFormat, parseFormat } from "./format.ts";

test("a format is what was written", () => {
  const format = newFormat(3);
  expect(parseFormat(JSON.stringify(format), 3)).toEqual(format);
  expect(parseFormat(JSON.stringify(format), 4)).toEqual(format);
});

test("a format that still allows this program's version is not refused", () => {
  const format = { ...newFormat(5), oldestReader: 3 };
  expect(parseFormat(JSON.stringify(format), 3)).toEqual(format);
});

test("a format that needs a newer program is refused and both versions are named", () => {
  const text = JSON.stringify(newFormat(7));
  expect(() => parseFormat(text, 6)).toThrow(
    expect.objectContaining({ code: "FAILED_PRECONDITION", details: { storeFormat: "7", programFormat: "6" } }),
  );
});

test("what is no format is damaged", () => {
  for (const text of ["", "{}", "null", "[]", '"x"', JSON.stringify({ ...newFormat(1), storeId: "short" })]) {
    expect(() => parseFormat(text, 1)).toThrow(expect.objectContaining({ code: "DATA_LOSS" }));
  }
});
