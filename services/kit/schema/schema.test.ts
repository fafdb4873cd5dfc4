import { expect, test } from "vitest";
import { ServiceError } from "../errors.ts";
import { limits } from "../limits.ts";
import { compilePattern } from "../pattern.ts";
import { compileSchema } from "./schema.ts";

function problem(schema: object | string, sample: unknown): string | undefined {
  const text = typeof schema === "string" ? schema : JSON.stringify(schema);
  return compileSchema(text).problemOf(sample, JSON.stringify(sample).length);
}

function refusal(schema: object | string): string {
  try {
    compileSchema(typeof schema === "string" ? schema : JSON.stringify(schema));
  } catch (error) {
    expect(error).toBeInstanceOf(ServiceError);
    expect((error as ServiceError).reason).toBe("SCHEMA_INVALID");
    return (error as Error).message;
  }
  return "accepted";
}

test("the schemas of document 003", () => {
  const required = { type: "object", required: ["field1"] };
  expect(problem(required, { field1: "value" })).toBeUndefined();
  expect(problem(required, { field2: "value" })).toBe("Missing required field: field1");
  const lengths = {
    type: "object",
    required: ["instruction", "output"],
    properties: {
      instruction: { type: "string", minLength: 10 },
      output: { type: "string", minLength: 50, maxLength: 4096 },
    },
  };
  expect(problem(lengths, { instruction: "x".repeat(10), output: "🦊".repeat(4096) })).toBeUndefined();
  expect(problem(lengths, { instruction: "x".repeat(10), output: "🦊".repeat(49) })).toBe(
    "/output: must NOT have fewer than 50 characters",
  );
  expect(problem(lengths, { instruction: "x".repeat(10), output: "🦊".repeat(4097) })).toBe(
    "/output: must NOT have more than 4096 characters",
  );
});

const draft07 = { $schema: "http://json-schema.org/draft-07/schema#" };

test.for([
  [{ anyOf: [{ type: "string" }, { type: "number" }] }, true, "must be string"],
  [{ oneOf: [{ type: "number" }, { minimum: 3 }] }, 5, "must match exactly one schema in oneOf"],
  [{ allOf: [{ type: "number" }, { minimum: 3 }] }, 2, "must be >= 3"],
  [{ not: { type: "number" } }, 2, "must NOT be valid"],
  [{ enum: ["a", "b"] }, "c", 'must be equal to one of the allowed values: ["a","b"]'],
  [{ additionalProperties: false }, { x: 1 }, "Unexpected field: x"],
  [{ prefixItems: [{ type: "string" }], items: false }, ["a", 1], "must NOT have more than 1 items"],
  [{ ...draft07, items: [{ type: "string" }], additionalItems: false }, ["a", 1], "must NOT have more than 1 items"],
  [{ pattern: "^\\d+$" }, "12a", 'must match pattern "^\\d+$"'],
  [{ allOf: [{ pattern: "^a" }, { pattern: "b$" }] }, "ac", 'must match pattern "b$"'],
  [{ pattern: "^[\\u4e00-\\u9fff]+$" }, "漢字", undefined],
  [{ format: "date" }, "2023-02-29", 'must match format "date"'],
  [{ format: "email" }, "a@b.de", undefined],
  [
    { uniqueItems: true },
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    "must NOT have duplicate items",
  ],
  [{ uniqueItems: true }, [1, "1", [1], { 0: 1 }, null, true], undefined],
  [{ required: ["constructor"] }, {}, "Missing required field: constructor"],
  [{ properties: { a: { $ref: "#/$defs/a" } }, $defs: { a: { type: "string" } } }, { a: 1 }, "/a: must be string"],
  [{ properties: { next: { $ref: "#" } }, required: ["v"] }, { v: 1, next: {} }, "/next: Missing required field: v"],
  [{ const: { $ref: "#/x" } }, { $ref: "#/x" }, undefined],
] as const)("%j of %j: %s", ([schema, sample, expected]) => {
  expect(problem(schema, sample)).toBe(expected);
});

test("if, then and else", () => {
  const schema = '{"if":{"type":"number"},"then":{"minimum":3},"else":false}';
  expect([2, 3, "x"].map((sample) => problem(schema, sample))).toEqual([
    "must be >= 3",
    undefined,
    "boolean schema is false",
  ]);
});

test("`__proto__` is a name like any other", () => {
  const schema = '{"required":["__proto__"],"additionalProperties":false,"properties":{"a":{}}}';
  expect(problem(schema, JSON.parse('{"__proto__":"x"}'))).toBe("Unexpected field: __proto__");
  expect(problem(schema, {})).toBe("Missing required field: __proto__");
  expect(refusal('{"properties":{"__proto__":{"type":"string"}}}')).toContain("names a property __proto__");
});

test.for([
  ["{", "is no JSON"],
  ["[]", "is no JSON object"],
  ["true", "is no JSON object"],
  [{ $ref: "https://example.com/schema" }, 'refers to "https://example.com/schema"'],
  [{ properties: { a: { $ref: "file:///etc/passwd" } } }, 'refers to "file:///etc/passwd"'],
  [{ $ref: "#/$defs/none" }, "can't resolve reference"],
  [{ $async: true }, "uses $async"],
  [{ properties: { a: { minimum: { $data: "1/b" } } } }, "uses $data"],
  [{ type: "strng" }, "it is no schema: data/type must be equal to one of the allowed values"],
  [{ minLenght: 1 }, 'unknown keyword: "minLenght"'],
  [{ format: "url" }, 'unknown format "url"'],
  [{ $schema: "http://json-schema.org/draft-04/schema#" }, "there are draft 2020-12 and draft-07"],
  [{ pattern: "(?=a)b" }, "is no RE2 regular expression"],
  [{ pattern: "(a)\\1" }, "is no RE2 regular expression"],
  [{ pattern: "[a-z]{600}[0-9]{600}" }, "is larger than pattern_instructions (1000)"],
  [{ patternProperties: { "a{1001}": true } }, "RE2"],
] as const)("%j is refused: %s", ([schema, expected]) => {
  expect(refusal(schema)).toContain(expected);
});

test("limits are inclusive", () => {
  const nested = (depth: number): object => (depth === 1 ? {} : { not: nested(depth - 1) });
  expect(refusal(nested(limits.schema_depth))).toBe("accepted");
  expect(refusal(nested(limits.schema_depth + 1))).toContain("schema_depth (32)");
  const wide = (nodes: number): object => ({ anyOf: Array.from({ length: nodes - 2 }, () => ({})) });
  expect(refusal(wide(limits.schema_nodes))).toBe("accepted");
  expect(refusal(wide(limits.schema_nodes + 1))).toContain("schema_nodes (1000)");
  const long = (bytes: number) => JSON.stringify({ title: "x".repeat(bytes - '{"title":""}'.length) });
  expect(refusal(long(limits.schema_bytes))).toBe("accepted");
  expect(refusal(long(limits.schema_bytes + 1))).toContain("schema_bytes (65536)");
  const characters = limits.schema_sample_characters;
  expect(compileSchema("{}").problemOf("", characters)).toBeUndefined();
  expect(compileSchema("{}").problemOf("", characters + 1)).toContain("schema_sample_characters (1048576)");
});

test("pattern_instructions is inclusive, for one and for all together", () => {
  const size = (letters: number) => compilePattern("a".repeat(letters)).size;
  const letters = limits.pattern_instructions - (size(10) - 10);
  expect(refusal({ pattern: "a".repeat(letters) })).toBe("accepted");
  expect(refusal({ pattern: "a".repeat(letters + 1) })).toContain("pattern_instructions (1000)");
  const half = limits.pattern_instructions / 2 - (size(10) - 10);
  const two = (more: number) => ({ pattern: "a".repeat(half), not: { pattern: "b".repeat(half + more) } });
  expect(refusal(two(0))).toBe("accepted");
  expect(refusal(two(1))).toContain("its patterns are larger than pattern_instructions (1000) together");
});

test("a depth of 100,000 is refused, not overflown", () => {
  expect(refusal(`${'{"not":'.repeat(8000)}{}${"}".repeat(8000)}`)).toContain("schema_depth");
});

/** Every level refers to the next one twice. */
function fanOut(levels: number): object {
  const level = (index: number) => ({ allOf: [{ $ref: `#/$defs/l${index}` }, { $ref: `#/$defs/l${index}` }] });
  const names = Array.from({ length: levels }, (_, index) => [`l${index}`, index === 0 ? {} : level(index - 1)]);
  return { $defs: Object.fromEntries(names), ...level(levels - 1) };
}

function nest(depth: number): object {
  return depth === 0 ? {} : { a: nest(depth - 1) };
}

test.for([
  ["references that fan out", fanOut(100), {}, "schema_steps (100000)"],
  ["a reference to itself", { $ref: "#" }, {}, "schema_steps|refers to itself"],
  [
    "recursion that fans out",
    { properties: { a: { allOf: [{ $ref: "#" }, { $ref: "#" }] } } },
    nest(60),
    "schema_steps",
  ],
  ["a pattern that backtracks", { pattern: "^(a|a)*$" }, `${"a".repeat(60_000)}!`, "must match pattern"],
  ["a pattern on a text that is too long", { pattern: "a" }, "b".repeat(70_000), "pattern_text_characters (65536)"],
  ["a format on long text", { format: "email" }, "a@".padEnd(60_000, "a-"), "must match format"],
  ["all pairs of a list", { uniqueItems: true }, Array.from({ length: 40_000 }, (_, x) => ({ x })), undefined],
] as const)("hostile, and done in no time: %s", ([, schema, sample, expected]) => {
  const compiled = compileSchema(JSON.stringify(schema));
  const before = process.threadCpuUsage();
  const found = compiled.problemOf(sample, 1000);
  expect(process.threadCpuUsage(before).user / 1000).toBeLessThan(500);
  expect(String(found)).toMatch(new RegExp(String(expected).replace(/[()]/g, ".")));
});

test("at most 20 problems are told, by JSON pointer", () => {
  const schema = compileSchema('{"additionalProperties":{"type":"string"}}', { allProblems: true });
  const sample = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`a/${index}`, index]));
  const problems = schema.problemsOf(sample, 100);
  expect(problems).toHaveLength(20);
  expect(problems[0]).toEqual({ path: "/a~10", problem: "must be string" });
});
