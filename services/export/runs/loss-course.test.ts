import { expect, test } from "vitest";
import { type Course, withPoint } from "./loss-course.ts";

const empty: Course = { points: [], stepsPerPoint: 1n };

function courseOf(steps: Iterable<number>, from: Course = empty): Course {
  let course = from;
  for (const step of steps) course = withPoint(course, { step: BigInt(step), value: step / 10 });
  return course;
}

function* range(first: number, end: number, by = 1): Generator<number> {
  for (let step = first; step < end; step += by) yield step;
}

test("keeps every point while they are few", () => {
  const { points } = courseOf(range(0, 512));
  expect(points.map(({ step }) => Number(step))).toEqual([...range(0, 512)]);
});

test("thins many evenly, over the whole course", () => {
  const { points, stepsPerPoint } = courseOf(range(0, 10_000));
  expect(points.length).toBeLessThanOrEqual(512);
  expect(points.length).toBeGreaterThan(256);
  const gaps = points.slice(1).map(({ step }, place) => step - (points[place]?.step ?? 0n));
  expect(new Set(gaps)).toEqual(new Set([stepsPerPoint]));
});

test("steps that are far apart, and a last one that is far away, lose nothing else", () => {
  const { points } = courseOf([...range(0, 51_200, 100), 1_000_000_000_000]);
  expect(points.length).toBeGreaterThan(256);
  expect(points.at(-1)?.step).toBe(1_000_000_000_000n);
});

test("a point of a step that came before replaces what came from there on", () => {
  const { points } = courseOf([1, 2, 3, 4, 2]);
  expect(points.map(({ step }) => step)).toEqual([1n, 2n]);
});
