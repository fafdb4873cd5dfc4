import { expect, test } from "vitest";
import { type ChartPoint, lossChart } from "./loss-chart.ts";

const size = { width: 20, height: 3 };

function pointsOf(...values: readonly number[]): ChartPoint[] {
  return values.map((value, place) => ({ step: BigInt(place * 10), value }));
}

test("draws a falling loss from the top left to the bottom right, with its bounds", () => {
  const lines = lossChart(pointsOf(4, 3, 2, 1), size);
  expect(lines).toEqual([
    "4.000 ┤⠉⠓⠒⠦⢤⣀⣀             ",
    "      ┤      ⠈⠉⠓⠒⠦⠤⣄⣀      ",
    "1.000 ┤             ⠈⠉⠙⠒⠦⠤⣄",
    "       step 0            30",
  ]);
});

test("a level loss is a level line", () => {
  expect(lossChart(pointsOf(2, 2), size).slice(0, 3)).toEqual([
    `2.000 ┤${"⠉".repeat(20)}`,
    `      ┤${" ".repeat(20)}`,
    `2.000 ┤${" ".repeat(20)}`,
  ]);
});

test("one point is no curve", () => {
  expect(lossChart(pointsOf(2), size)).toEqual([]);
});

test("more points than columns are averaged", () => {
  const lines = lossChart(pointsOf(...Array.from({ length: 512 }, (_, place) => place)), size);
  expect(lines.every((line) => [...line].length <= 28)).toBe(true);
});
