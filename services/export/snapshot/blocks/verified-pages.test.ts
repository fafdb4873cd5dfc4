import { hash } from "node:crypto";
import { expect, test } from "vitest";
import type { BlockPages } from "./block-cache.ts";
import type { Page } from "./page.ts";
import { VerifiedPages } from "./verified-pages.ts";

const bytes = new Uint8Array(Buffer.from("abcdef\n"));

function pageOf(lines: Uint8Array, offset: number): Page {
  const none = new Uint32Array();
  const digest = hash("sha256", lines, "buffer");
  return {
    firstSample: 0,
    count: 1,
    offset,
    lineBytes: lines.length,
    digest,
    lineLengths: none,
    weights: none,
    ids: lines,
  };
}

/** A block of these bytes that is cut into pages at these places. */
function blockOf(path: string, ends: readonly number[]): BlockPages {
  const pages = ends.map((end, place) => pageOf(bytes.subarray(ends[place - 1] ?? 0, end), ends[place - 1] ?? 0));
  return { firstSample: 0, path, pages, digest: "d" };
}

test("a page is hashed once, and not verified where its bytes are others", async () => {
  const verified = new VerifiedPages();
  const block = blockOf("a", [3, 7]);
  expect(await verified.verify(block, 0, bytes.slice(1, 4))).toBe(false);
  expect(verified.isVerified(block, 0)).toBe(false);
  expect(await verified.verify(block, 0, bytes.slice(0, 3))).toBe(true);
  expect(verified.isVerified(block, 0)).toBe(true);
  expect(verified.isVerified(block, 1)).toBe(false);
});

test("marks are those of one file, and of pages cut in one way", () => {
  const verified = new VerifiedPages();
  verified.trust("a", blockOf("a", [3, 7]).pages);
  expect([0, 1].map((place) => verified.isVerified(blockOf("a", [3, 7]), place))).toEqual([true, true]);
  expect([0, 1].map((place) => verified.isVerified(blockOf("a", [2, 7]), place))).toEqual([false, false]);
  expect(verified.isVerified(blockOf("b", [3, 7]), 0)).toBe(false);
});

test("the oldest marks go", () => {
  const verified = new VerifiedPages(2);
  for (const path of ["a", "b", "a", "c"]) verified.trust(path, blockOf(path, [7]).pages);
  expect(["a", "b", "c"].map((path) => verified.isVerified(blockOf(path, [7]), 0))).toEqual([true, false, true]);
});
