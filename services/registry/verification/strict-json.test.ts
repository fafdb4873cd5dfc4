import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Decimal, JsonProblem, type JsonValue, parseStrictJson } from "./strict-json.ts";

/** As JSON.parse gives it. */
function plain(value: JsonValue): unknown {
  if (value instanceof Decimal) return value.value;
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, one]) => [key, plain(one)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

describe("parseStrictJson", () => {
  test("gives what JSON.parse gives", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), fc.nat(3), (text, spaces) => {
        const expected: unknown = JSON.parse(text);
        const written = JSON.stringify(expected, undefined, spaces);
        expect(plain(parseStrictJson(written, { depth: 16 }))).toEqual(JSON.parse(written));
      }),
    );
  });

  test("refuses what JSON.parse refuses", () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 3 }),
        fc.nat(),
        fc.constantFrom(...'{}[]",:0e.-\\ tnu\u0000\n'),
        (text, at, character) => {
          const place = at % (text.length + 1);
          const changed = text.slice(0, place) + character + text.slice(place + 1);
          const expected = attempt(() => JSON.parse(changed));
          const actual = attempt(() => plain(parseStrictJson(changed, { depth: 16 })));
          // Only what has a key twice, half a character or an endless number is refused alone.
          if (actual.failed && !expected.failed) expect(actual.message).toMatch(/twice|which is none|too large/);
          else expect(actual.failed).toBe(expected.failed);
          if (!actual.failed && !expected.failed) expect(actual.value).toEqual(expected.value);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['{"a":1,"a":1}', 'has the key "a" twice'],
    ['{"a":1,"\\u0061":1}', 'has the key "a" twice'],
    ['["\\ud800"]', 'has the string "\\"\\\\ud800\\"", which is none'],
    ["[1e400]", 'has the number "1e400", which is too large'],
    ["[[[[[]]]]]", "is nested deeper than 4"],
    ["", "ends too early, at character 0"],
    ["[1] 2", 'has "2" where JSON has none, at character 4'],
    ['["a', "ends inside of a string"],
  ])("refuses %s", (text, problem) => {
    expect(() => parseStrictJson(text, { depth: 4 })).toThrow(new JsonProblem(problem));
  });

  test("takes lengths only where it is told so", () => {
    const lengths = (text: string) => parseStrictJson(text, { depth: 1, lengthsOnly: true });
    expect(lengths("[0, 9007199254740991]")).toEqual([0, Number.MAX_SAFE_INTEGER]);
    for (const text of ["[9007199254740992]", "[-0]", "[-1]", "[1.0]", "[1e3]"])
      expect(() => lengths(text)).toThrow(JsonProblem);
  });

  test("tells 8.0 and 8e0 from 8", () => {
    expect(parseStrictJson("[8, 8.0, 8e0, -8]", { depth: 1 })).toEqual([8, new Decimal(8), new Decimal(8), -8]);
  });

  test("keeps the order of keys that are numbers, and takes __proto__ as any other", () => {
    const object = parseStrictJson('{"2":0,"1":0,"__proto__":1}', { depth: 1 });
    expect([...(object as Map<string, number>).keys()]).toEqual(["2", "1", "__proto__"]);
  });
});

type Attempt =
  | { readonly failed: true; readonly message: string }
  | { readonly failed: false; readonly value: unknown };

function attempt(act: () => unknown): Attempt {
  try {
    return { failed: false, value: act() };
  } catch (error) {
    return { failed: true, message: (error as Error).message };
  }
}
