import { expect, test } from "vitest";
import { metricKey, prefixRange, versionKey, versionNameAt, versionOfSnapshotKey } from "./keys.ts";

const name = { adapter: "law", version: 258 };

function inOrder(keys: readonly Uint8Array[]): boolean {
  return keys.every((key, place) => place === 0 || Buffer.compare(keys[place - 1] ?? key, key) < 0);
}

test("versions of an adapter follow each other by number, and no other adapter's come between", () => {
  const keys = [0, 1, 255, 256, 65_536, 2 ** 32 - 1].map((version) => versionKey({ adapter: "law", version }));
  expect(inOrder(keys)).toBe(true);
  const { start, end } = prefixRange("version/", "law", "\0");
  const inside = (key: Uint8Array) => Buffer.compare(start, key) <= 0 && Buffer.compare(key, end) < 0;
  expect(keys.every(inside)).toBe(true);
  for (const adapter of ["la", "law-2", "law.de", "laws", "law0"]) {
    expect(inside(versionKey({ adapter, version: 47 }))).toBe(false);
  }
});

test("values of a metric follow each other by time, step and source", () => {
  const place = { metric: "eval_loss", timeMicros: 0n, step: 0n, source: "" };
  const keys = [
    { ...place, metric: "eval", timeMicros: 9n },
    { ...place, timeMicros: -(2n ** 62n) },
    { ...place, timeMicros: -1n },
    place,
    { ...place, source: "a" },
    { ...place, step: 1n },
    { ...place, timeMicros: 2n ** 62n },
    { ...place, metric: "eval_loss.de", timeMicros: -5n },
  ].map((value) => metricKey(name, value));
  expect(inOrder(keys)).toBe(true);
});

test("versions of all adapters are in order of the adapters' names", () => {
  const adapters = ["a", "a-1", "a.b", "a1", "ab", "b"];
  expect(inOrder(adapters.map((adapter) => versionKey({ adapter, version: 2 ** 32 - 1 })))).toBe(true);
});

test("the version at the end of a key is read back", () => {
  const snapshot = new Uint8Array(32).fill(47);
  const { start } = prefixRange("version-of-snapshot/", snapshot);
  expect(versionNameAt(versionOfSnapshotKey(snapshot, name), start.length)).toEqual(name);
});
