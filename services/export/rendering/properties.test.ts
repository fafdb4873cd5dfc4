import fc from "fast-check";
import { expect, test } from "vitest";
import { codePoints } from "../../kit/text.ts";
import { compilePath, type Fields } from "./path.ts";
import { at, rendererOf, storedRecord } from "./rendering-fixture.ts";
import { timestampText } from "./timestamp.ts";

const hostileNames = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "length", "map", "0"];
const step = fc.oneof(
  fc.constantFrom(...hostileNames),
  fc.string({ minLength: 1 }).filter((name) => !name.includes(".")),
);

test("a path gives what the record's JSON holds there, and nothing else", () => {
  const paths = fc.array(step, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.jsonValue(), paths, (value, path) => {
      const fields = JSON.parse(JSON.stringify({ a: value, [path[0] as string]: value })) as Fields;
      expect(compilePath(path.join("."))(fields)).toEqual(walk(fields, path));
    }),
    { numRuns: 500 },
  );
});

/** The same by enumerating what JSON.stringify would print. */
function walk(value: unknown, path: readonly string[]): unknown {
  const [first, ...rest] = path;
  if (first === undefined) {
    return value;
  }
  if (value === null || typeof value !== "object") {
    return undefined;
  }
  const entry = Object.entries(value).find(([key]) => key === first);
  return entry && walk(entry[1], rest);
}

test("code points are what iterating gives", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => codePoints(text) === [...text].length));
});

test("weights equal their definition", () => {
  const asOf = at("2026-01-01");
  const day = 86_400_000_000n;
  const cases = fc.record({
    explicit: fc.option(fc.double({ min: 0, max: 1000, noNaN: true }), { nil: undefined }),
    fallback: fc.double({ min: 0, max: 1000, noNaN: true }),
    text: fc.string({ unit: "binary", minLength: 0, maxLength: 3000 }).filter((text) => text.isWellFormed()),
    age: fc.bigInt({ min: -10n * day, max: 800n * day }),
    byLength: fc.boolean(),
    byAge: fc.boolean(),
  });
  fc.assert(
    fc.property(cases, ({ explicit, fallback, text, age, byLength, byAge }) => {
      const weighting = {
        weightField: "w",
        defaultWeight: fallback,
        autoWeightByLength: byLength,
        freshness: byAge ? { timestampField: "t" } : undefined,
      };
      const record = storedRecord({ text, w: explicit, t: timestampText(asOf - age) });
      const days = Math.max(0, Number(age)) / (365 * 86_400_000_000);
      const lengthFactor = byLength ? 1 + Math.min(0.5, Array.from(text).length / 2000) : 1;
      const freshnessFactor = byAge ? 1 + 0.5 * Math.max(0, 1 - days) : 1;
      const weight = (explicit ?? fallback) * lengthFactor * freshnessFactor;
      const weightMicros = Math.floor(weight * 1e6 + 0.5);
      expect(rendererOf({ format: "text", weighting }, asOf).render("r", record)).toMatchObject({ weightMicros });
    }),
    { numRuns: 200 },
  );
});
