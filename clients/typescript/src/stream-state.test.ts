import { expect, test } from "vitest";
import { StateError } from "./errors.ts";
import { mergeStates, type StreamState, toResumePoint, toState } from "./stream-state.ts";

const state: StreamState = {
  format: 1,
  store: "s",
  incarnation: "i",
  request_hash: "r",
  plan: "p",
  epoch: 2,
  next_index: 48,
};

test("a state is the resume point as plain JSON", () => {
  const copy = JSON.parse(JSON.stringify(state)) as StreamState;
  expect(toState(toResumePoint(copy), copy.next_index)).toEqual(state);
});

test.for<[Record<string, unknown>, RegExp]>([
  [{ format: 2 }, /format 2/],
  [{ plan: 7 }, /"plan" is not a string: 7/],
  [{ epoch: -1 }, /"epoch" is not a count: -1/],
  [{ next_index: 1.5 }, /"next_index" is not a count: 1.5/],
  [{ extra: true }, /keys epoch, extra, format/],
])("%o is refused", ([change, problem]) => {
  const changed = { ...state, ...change } as StreamState;
  expect(() => toResumePoint(changed)).toThrow(StateError);
  expect(() => toResumePoint(changed)).toThrow(problem);
});

test("ranks that agree have one state", () => {
  expect(mergeStates([state, { ...state }, { ...state }])).toEqual(state);
});

test("ranks that differ are refused by both values", () => {
  const other = { ...state, next_index: 64 };
  expect(() => mergeStates([state, { ...state }, other])).toThrow(/differ in "next_index": 48 and 64/);
  expect(() => mergeStates([])).toThrow(StateError);
});
