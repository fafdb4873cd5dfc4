import fc from "fast-check";
import { expect, test } from "vitest";
import { mixedPaths, type StructType, widenSample } from "./sample-type.ts";
import { loadStruct, saveStruct } from "./saved-type.ts";

function typeOf(...samples: object[]): StructType {
  return samples.reduce<StructType>(widenSample, { fields: new Map() });
}

test("what all samples have in common", () => {
  const type = typeOf(
    { text: "a", count: 1, share: 2, tags: [], meta: { a: null }, odd: 1 },
    { text: null, count: 2, share: 0.5, tags: ["x"], meta: { b: true }, odd: "1", late: [{ n: 1 }] },
  );
  expect(saveStruct(type).fields).toEqual([
    ["text", "string"],
    ["count", "integer"],
    ["share", "number"],
    ["tags", { list: "string" }],
    [
      "meta",
      {
        fields: [
          ["a", "null"],
          ["b", "boolean"],
        ],
      },
    ],
    ["odd", "json"],
    ["late", { list: { fields: [["n", "integer"]] } }],
  ]);
  expect(mixedPaths(type)).toEqual(["odd"]);
});

test.for<[string, unknown, unknown]>([
  ["a list and an object", [1], { a: 1 }],
  ["a list and a text", [1], "1"],
  ["an object and a number", { a: 1 }, 1],
  ["a text and a boolean", "true", true],
  ["objects without keys", {}, {}],
])("%s are mixed, in any order", ([_name, one, other]) => {
  expect(mixedPaths(typeOf({ part: one }, { part: other }))).toEqual(["part"]);
  expect(mixedPaths(typeOf({ part: [other] }, { part: [one] }))).toEqual(["part"]);
});

test("objects with many keys, and deep ones, are mixed", () => {
  const keys = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, key) => [`k${key}`, 1]));
  const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
  expect(mixedPaths(typeOf({ fits: keys(100), over: keys(101), ...keys(200) }))).toEqual(["over"]);
  expect(mixedPaths(typeOf({ fits: deep(15), over: deep(16) }))).toEqual(["over"]);
});

const samples = fc.array(
  fc.dictionary(fc.constantFrom("a", "b", "__proto__", "constructor"), fc.jsonValue({ maxDepth: 3 })),
);

test("a type covers its samples, does not depend on their order, and can be saved", () => {
  fc.assert(
    fc.property(samples, (all) => {
      const type = typeOf(...all);
      for (const sample of all) expect(widenSample(type, sample)).toBe(type);
      expect(mixedPaths(typeOf(...all.toReversed())).sort()).toEqual(mixedPaths(type).sort());
      expect(loadStruct(JSON.parse(JSON.stringify(saveStruct(type))))).toEqual(type);
    }),
  );
});
