import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "../../kit/limits.ts";
import { normaliseFields } from "./record-fields.ts";
import { RecordProblem } from "./record-problem.ts";

function problemOf(text: string): string {
  try {
    normaliseFields(text);
  } catch (error) {
    expect(error).toBeInstanceOf(RecordProblem);
    return (error as RecordProblem).message;
  }
  throw new Error(`Accepted: ${text.slice(0, 100)}`);
}

function nested(depth: number): string {
  return `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
}

/** JSON text of exactly so many bytes. */
function sized(bytes: number): string {
  return `{"a":"${"x".repeat(bytes - 8)}"}`;
}

describe("normalised JSON of a record", () => {
  test("is what JSON.stringify(JSON.parse(text)) gives, for any object", () => {
    const text = fc.string({ unit: "grapheme" }).filter((value) => !value.includes("\0"));
    const number = fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter((value) => !(Math.abs(value) > 2 ** 53 - 1 && Math.abs(value) < 1e21));
    const value = fc.letrec((tie) => ({
      any: fc.oneof({ maxDepth: 5 }, text, number, fc.boolean(), fc.constant(null), tie("array"), tie("object")),
      array: fc.array(tie("any"), { maxLength: 5 }),
      object: fc.dictionary(
        fc.oneof(text, fc.constantFrom("__proto__", "constructor", "toJSON", "1", "0")),
        tie("any"),
        { maxKeys: 5 },
      ),
    })).object;
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1, "\t"), (fields, space) => {
        const sent = JSON.stringify(fields, undefined, space);
        expect(normaliseFields(sent)).toBe(JSON.stringify(JSON.parse(sent)));
        expect(normaliseFields(normaliseFields(sent))).toBe(normaliseFields(sent));
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ["white space goes", ' { "a" : [ 1 , 2 ] } ', '{"a":[1,2]}'],
    ["of duplicate keys the last wins, at the place of the first", '{"a":1,"b":2,"a":3}', '{"a":3,"b":2}'],
    ["__proto__ is plain data", '{"__proto__":{"admin":true},"a":1}', '{"__proto__":{"admin":true},"a":1}'],
    [
      "constructor and toJSON are plain data",
      '{"constructor":1,"toJSON":{"a":1}}',
      '{"constructor":1,"toJSON":{"a":1}}',
    ],
    ["escapes become characters", String.raw`{"a":"\u00e4\ud83d\ude00\/"}`, '{"a":"ä😀/"}'],
    ["control characters stay escaped", String.raw`{"a":"\u0001\n"}`, String.raw`{"a":"\u0001\n"}`],
    ["the largest integers stay", `{"a":[${2 ** 53 - 1},${1 - 2 ** 53}]}`, `{"a":[${2 ** 53 - 1},${1 - 2 ** 53}]}`],
    ["fractions are printed as doubles", '{"a":[1.0,1e-7,0.1,1e2,-0]}', '{"a":[1,1e-7,0.1,100,0]}'],
    ["large numbers with an exponent are no integers", '{"a":[1e21,6.02e23,1e308]}', '{"a":[1e+21,6.02e+23,1e+308]}'],
    ["digits in strings are no integers", '{"a":"12345678901234567890"}', '{"a":"12345678901234567890"}'],
    ["the empty object", "{}", "{}"],
  ])("%s", (_name, sent, kept) => {
    expect(normaliseFields(sent)).toBe(kept);
  });

  test("a key __proto__ pollutes nothing", () => {
    normaliseFields('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
    expect("polluted" in {}).toBe(false);
  });

  test.each([
    ["text that is not JSON", '{"a":nope}', /is not JSON: .*nope/],
    ["the empty text", "", /is not JSON/],
    ["a bare control character", '{"a":"\u0001"}', /is not JSON/],
    ["two values", "{} {}", /is not JSON/],
    ["an array", "[1]", /is an array, not a JSON object; wrap it/],
    ["a string", '"a"', /is a string, not a JSON object/],
    ["a number", "1", /is a number, not a JSON object/],
    ["null", "null", /is null, not a JSON object/],
    ["NUL in a string", String.raw`{"a":[1,{"b":"x\u0000"}]}`, /"a\[1\]\.b" holds NUL \(U\+0000\); remove it/],
    ["NUL in a key", String.raw`{"a":{"x\u0000":1}}`, /is a key with NUL/],
    ["a lone high surrogate", String.raw`{"a":"\ud800"}`, /"a" holds half of a surrogate pair/],
    ["a lone low surrogate", String.raw`{"a":{"b":"\udc00x"}}`, /"a\.b" holds half of a surrogate pair/],
    ["a lone surrogate in a key", String.raw`{"\ud800":1}`, /is a key with half of a surrogate pair/],
    [
      "2^53",
      `{"a":{"b":${2 ** 53}}}`,
      /"a\.b" is an integer of about 9007199254740992, beyond ±\(2\^53 − 1\); make it a string/,
    ],
    ["−2^53", `{"a":${-(2 ** 53)}}`, /"a" is an integer of about -9007199254740992/],
    ["2^53 + 1, which a double cannot hold", '{"a":9007199254740993}', /"a" is an integer of about 900719925474099\d/],
    ["the largest uint64", '{"a":18446744073709551615}', /"a" is an integer/],
    ["an integer of 30 digits", `{"a":[${"1".repeat(30)}]}`, /is an integer of about 1\.1+e\+29/],
    ["an integer of 30 digits beside a double", `{"a":1e25,"b":${"1".repeat(30)}}`, /"b" is an integer/],
    ["what would be printed as a long integer", '{"a":1e20}', /"a" is an integer of about 100000000000000000000/],
    ["a number that is no double", '{"a":1e400}', /"a" is a number too large for a double/],
    ["an integer of 400 digits", `{"a":-${"1".repeat(400)}}`, /"a" is a number too large for a double/],
  ])("%s is refused", (_name, sent, problem) => {
    expect(problemOf(sent)).toMatch(problem);
  });

  test("64 levels are kept, 65 refused", () => {
    expect(normaliseFields(nested(limits.record_depth))).toBe(nested(limits.record_depth));
    expect(problemOf(nested(limits.record_depth + 1))).toMatch(/deeper than the limit record_depth of 64; flatten it/);
    expect(problemOf(nested(100_000))).toMatch(/record_depth/);
  });

  test("4 MiB are kept, one byte more is refused, as sent and as kept", () => {
    expect(normaliseFields(sized(limits.record_bytes))).toHaveLength(limits.record_bytes);
    expect(problemOf(sized(limits.record_bytes + 1))).toMatch(
      /has 4194305 bytes, above the limit record_bytes of 4194304/,
    );
    expect(problemOf(`{"a":"${"ä".repeat(limits.record_bytes / 2)}"}`)).toMatch(/record_bytes/);
    expect(problemOf(`{"a":[${"1e15,".repeat(400_000)}1]}`)).toMatch(/record_bytes/);
  });

  test("problems stay short and well-formed, whatever the record holds", () => {
    const key = "k".repeat(1_000_000);
    expect(problemOf(`{"${key}":${2 ** 53}}`).length).toBeLessThan(300);
    expect(problemOf(`{"${"😀".repeat(100)}":1e400}`).isWellFormed()).toBe(true);
    expect(problemOf(`{"a":"\ud800"x`).isWellFormed()).toBe(true);
  });
});
