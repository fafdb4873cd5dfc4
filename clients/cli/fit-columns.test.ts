import { expect, test } from "vitest";
import { fitColumns } from "./fit-columns.ts";

test("columns that fit stay, and so do those of a file", () => {
  expect(fitColumns([10, 20], 32)).toEqual([10, 20]);
  expect(fitColumns([100, 200], undefined)).toEqual([100, 200]);
});

test("the widest give way until all fit", () => {
  expect(fitColumns([10, 40, 30], 64)).toEqual([10, 25, 25]);
  expect(fitColumns([10, 20], 31)).toEqual([10, 19]);
});

test("nothing is cut to nothing", () => {
  expect(fitColumns([30, 30], 10)).toEqual([8, 8]);
});
