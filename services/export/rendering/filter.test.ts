import { expect, test } from "vitest";
import { ServiceError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { compileFilter } from "./filter.ts";
import type { Fields } from "./path.ts";
import { at, storedRecord } from "./rendering-fixture.ts";

function evaluate(filter: string, fields: object | string = {}): boolean | string {
  const record = storedRecord(fields, {
    source: "faq.jsonl",
    qualityScore: 0.75,
    createTimeMicros: at("2026-03-29T02:30:00.123Z"),
    updateTimeMicros: at("2026-07-01T12:00:00Z"),
  });
  const parsed = JSON.parse(Buffer.from(record.fieldsJson).toString()) as Fields;
  const result = compileFilter(filter)("r1", parsed, record);
  return typeof result === "boolean" ? result : result.problem;
}

const nestedLoops = `${"[0,0,0,0,0,0,0,0,0,0].all(x, ".repeat(60)}true${")".repeat(60)}`;

function refusal(filter: string): string {
  try {
    compileFilter(filter);
  } catch (error) {
    expect(error).toBeInstanceOf(ServiceError);
    expect((error as ServiceError).reason).toBe("FILTER_INVALID");
    return (error as Error).message;
  }
  return "accepted";
}

const fields = {
  year: 2020,
  theme: "law",
  tags: ["a", "b"],
  flag: true,
  meta: { court: "BGH" },
  nothing: null,
  constructor: "own",
};

test.for([
  ["record.year > 2019 && record.theme == 'law'", true],
  ["record.year in [2021, 2020]", true],
  ["record.tags.exists(tag, tag == 'b') && !record.tags.all(tag, tag == 'b')", true],
  ["'c' in record.tags", false],
  ["record.flag", true],
  ["has(record.absent) || record.meta.court.startsWith('B')", true],
  ["record.nothing == null && record.constructor == 'own'", true],
  ["record.theme.matches('^l.w$') && size(record.theme) == 3", true],
  ["id == 'r1' && source == 'faq.jsonl' && quality_score >= 0.75", true],
  ["create_time < update_time && create_time > timestamp('2026-03-29T02:30:00Z')", true],
  ["create_time.getHours() == 2 && create_time.getMinutes() == 30 && create_time.getDayOfYear() == 87", true],
  ["true", true],
  ["has(record.absent) ? 1 : true", true],
  ["create_time.getHours('+02:00') == 4 && create_time.getFullYear('UTC') == 2026", true],
] as const)("%s", ([filter, expected]) => {
  expect(evaluate(filter, fields)).toBe(expected);
});

test.for([
  ["record.absent == 1", "no such key|field not found: absent"],
  ["record.theme", "it gives no bool"],
  ["record.year + 1 == 2021", "no matching overload"],
  ["create_time.getHours('Europe/Berlin') == 4", 'time zone "Europe/Berlin" is neither "UTC" nor an offset'],
  ["record.theme.matches(record.theme + '(')", "is no RE2 regular expression"],
] as const)("%s cannot be evaluated", ([filter, problem]) => {
  expect(evaluate(filter, fields)).toMatch(new RegExp(problem.replace(/[()"]/g, ".")));
});

test.for([
  ["record.a ==", "cannot be read"],
  ["recrd.a == 1", 'names "recrd", but there are only record, id, source, quality_score, create_time, update_time'],
  ["upper(record.a) == 'A'", 'calls "upper", which is no function of CEL'],
  ["@loop_range([1])", "cannot be read"],
  ["(".repeat(2000) + ")".repeat(2000), "is nested too deeply"],
  ["[".repeat(4000), "is nested too deeply"],
  ["1 + 1", "can never be evaluated: it gives no bool"],
  ["'law'", "can never be evaluated: it gives no bool"],
  ["[1, 2].map(x, x > 1)", "can never be evaluated: it gives no bool"],
  ["1 / 0 == 1", "can never be evaluated: int divide by zero"],
  [nestedLoops, "can never be evaluated: loops over more than filter_steps (2000) elements"],
  [`record.a == "${"x".repeat(limits.filter_bytes)}"`, "is longer than filter_bytes (4096)"],
] as const)("%s is refused", ([filter, problem]) => {
  expect(refusal(filter)).toContain(problem);
});

test("filter_bytes is inclusive", () => {
  const filter = (bytes: number) => `record.a == "${"x".repeat(bytes - 'record.a == ""'.length)}"`;
  expect(refusal(filter(limits.filter_bytes))).toBe("accepted");
  expect(refusal(filter(limits.filter_bytes + 1))).toContain("filter_bytes");
});

test("loops are bounded, nested ones by what they visit together", () => {
  const numbers = (count: number) => ({ list: Array.from({ length: count }, (_, index) => index) });
  expect(evaluate("record.list.all(x, x >= 0.0)", numbers(limits.filter_steps))).toBe(true);
  expect(evaluate("record.list.all(x, x >= 0.0)", numbers(limits.filter_steps + 1))).toContain("filter_steps (2000)");
  expect(evaluate("record.list.all(x, record.list.all(y, x >= 0.0))", numbers(100))).toContain("filter_steps");
});

test.for([
  `id == "" || ${nestedLoops}`,
  "record.big.map(x, record.big.map(y, record.big.map(z, [x, y, z]))).size() > 1",
  "record.big.map(x, x).map(x, x).map(x, x).exists(x, x == 5.0)",
  "record.text.matches('^(a|a)*$') || record.text.matches('(a*)*b')",
  "record.text.matches('(a{1,30}){1,30}b')",
  "record.nested.all(a, a.all(b, b.all(c, c.all(d, d.all(e, e == 1.0)))))",
])("hostile, and done in no time: %s", (filter) => {
  const ten = (value: unknown) => Array.from({ length: 10 }, () => value);
  const hostile = {
    big: Array.from({ length: 1900 }, (_, index) => index),
    text: "a".repeat(60_000),
    nested: ten(ten(ten(ten(ten(1))))),
  };
  const before = process.threadCpuUsage();
  evaluate(filter, hostile);
  expect(process.threadCpuUsage(before).user / 1000).toBeLessThan(500);
});
