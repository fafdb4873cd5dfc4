import { expect, test } from "vitest";
import { endsBlock, endsPage, fillsBlock, overflowsPage } from "./boundaries.ts";

test("a page ends after a sample whose first id word is below its bytes times 65,536, exactly", () => {
  expect(endsPage(65_536 * 100 - 1, 100)).toBe(true);
  expect(endsPage(65_536 * 100, 100)).toBe(false);
  expect(endsPage(4_294_967_295, 65_536)).toBe(true);
  expect(endsPage(4_294_967_295, 65_535)).toBe(false);
  expect(endsPage(0, 8 * 1024 * 1024)).toBe(true);
});

test("a page ends before a sample that would take it past 262,144 bytes", () => {
  expect(overflowsPage(262_143, 1)).toBe(false);
  expect(overflowsPage(262_143, 2)).toBe(true);
  expect(overflowsPage(0, 300_000)).toBe(false);
});

test("a block ends after a page whose last id's second word is below its bytes times 512", () => {
  expect(endsBlock(512 * 65_536 - 1, 65_536)).toBe(true);
  expect(endsBlock(512 * 65_536, 65_536)).toBe(false);
});

test("a block ends at 32 MiB, or at 4 MiB of index", () => {
  const mib = 1024 * 1024;
  expect(fillsBlock(32 * mib - 262_144, 4 * mib - 1)).toBe(false);
  expect(fillsBlock(32 * mib - 262_143, 0)).toBe(true);
  expect(fillsBlock(0, 4 * mib)).toBe(true);
});
