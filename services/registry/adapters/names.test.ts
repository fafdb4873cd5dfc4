import { expect, test } from "vitest";
import { checkAdapterName, checkAliasName, parseVersionName, parseVersionReference } from "./names.ts";

test.each([
  ["tone@1", { adapter: "tone", version: 1 }],
  ["0.a_b-c@4294967295", { adapter: "0.a_b-c", version: 4_294_967_295 }],
  ["tone@production", { adapter: "tone", alias: "production" }],
  ["tone@v1.2-rc", { adapter: "tone", alias: "v1.2-rc" }],
])("%s", (text, expected) => {
  expect(parseVersionReference(text)).toEqual(expected);
});

test.each([
  "",
  "tone",
  "tone@",
  "@1",
  "tone@0",
  "tone@01",
  "tone@4294967296",
  "tone@1@2",
  "Tone@1",
  "tone@A",
  "../x@1",
  "t\0@1",
])("%j names no version", (text) => {
  expect(() => parseVersionReference(text)).toThrow("version is ");
});

test("a text of megabytes is refused without being taken apart", () => {
  const text = "@".repeat(16_000_000);
  const start = performance.now();
  expect(() => parseVersionReference(text)).toThrow("version is ");
  expect(performance.now() - start).toBeLessThan(500);
});

test("an alias is no number", () => {
  expect(() => parseVersionName("tone@production")).toThrow("<adapter>@<number>");
});

test("adapters have 1 to 128 characters, aliases 1 to 64", () => {
  checkAdapterName("a".repeat(128));
  checkAliasName("a".repeat(64));
  expect(() => checkAdapterName("a".repeat(129))).toThrow();
  expect(() => checkAliasName("a".repeat(65))).toThrow();
  for (const name of ["", "a/b", ".a", "a-", "a b", "ä"]) expect(() => checkAdapterName(name)).toThrow();
  for (const name of ["", "1", "a/b", "a@b", "A"]) expect(() => checkAliasName(name)).toThrow();
});
