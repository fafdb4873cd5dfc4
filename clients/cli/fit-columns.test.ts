import { expect, test } from "vitest";
import { type Column, fitColumns } from "./fit-columns.ts";

const other = (width: number): Column => ({ width, kind: "other" });
const time: Column = { width: 19, kind: "time" };
const name = (width: number): Column => ({ width, kind: "name" });

test("columns that fit stay, and so do those of a file", () => {
  expect(fitColumns([name(10), other(20)], 32)).toEqual([10, 20]);
  expect(fitColumns([name(100), other(200)], undefined)).toEqual([100, 200]);
});

test("the widest give way until all fit", () => {
  expect(fitColumns([other(10), other(40), other(30)], 64)).toEqual([10, 25, 25]);
  expect(fitColumns([other(10), other(20)], 31)).toEqual([10, 19]);
});

test("times give way after all others, names at the end", () => {
  expect(fitColumns([name(30), other(25), time], 68)).toEqual([30, 15, 19]);
  expect(fitColumns([name(30), other(25), time], 60)).toEqual([30, 8, 18]);
  expect(fitColumns([name(30), other(25), time], 50)).toEqual([27, 8, 11]);
});

test("nothing is cut to nothing", () => {
  expect(fitColumns([name(30), other(30), time, other(3)], 10)).toEqual([8, 8, 11, 3]);
});
