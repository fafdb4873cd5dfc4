import { expect, test } from "vitest";
import { limits } from "../limits.ts";
import { compileExpression, toCelInput } from "./expression.ts";

const variables = new Set(["record", "id"]);
const tooMuch = `does more work than filter_work (${limits.filter_work}) allows`;
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const thirty = `[${numbers(30).join(",")}]`;
const doubled = (first: string, times: number) => `[${first}]${".map(a, a + a)".repeat(times)}`;

const record = toCelInput({
  list: numbers(1900),
  wide: numbers(100_000),
  map: Object.fromEntries(numbers(50_000).map((number) => [`k${number}`, number])),
  text: "ab".repeat(2000),
  long: "a".repeat(60_000),
  huge: "a".repeat(4_000_000),
  needle: `b${"a".repeat(2_000_000)}`,
  digits: "7".repeat(300_000),
});

function evaluate(filter: string, bound = record): boolean | string {
  const result = compileExpression(filter, { variables, field: "filter" })({ record: bound, id: "a" });
  return typeof result === "boolean" ? result : result.problem;
}

test.for([
  `${doubled('"abcdefgh"', 25)}.exists(b, b.size() == 1) || id == ""`,
  `${doubled('b"abcdefgh"', 25)}.exists(b, b.size() == 1) || id == ""`,
  `${doubled('["abcdefgh"]', 25)}.exists(b, b.size() == 1) || id == ""`,
  `["a"]${".map(a, [a, a])".repeat(23)} == ["a"]${".map(a, [a, a])".repeat(23)} || id == ""`,
  `${thirty}.exists(x, ${thirty}.exists(y, [record, record] == [record, ""]))`,
  `${thirty}.exists(x, ${thirty}.exists(y, "zz" in record.wide))`,
  `${thirty}.exists(x, ${thirty}.exists(y, record.huge.size() == 1))`,
  `${thirty}.exists(x, ${thirty}.exists(y, record.huge + "a" > record.huge + "b"))`,
  `${thirty}.all(x, ${thirty}.all(y, record.long.matches("^(a|b|ab)*c$") || true))`,
  `${thirty}.map(x, ${thirty}.map(y, record.text + record.text + record.text + record.text + record.text)).size() > 0`,
  'record.list.exists(x, "a".matches(string(x) + "a{900}"))',
  'record.list.exists(x, "a".matches("(((a{9}){9}){9})" + string(x)))',
  "record.list.exists(x, record.map[x] == 1)",
  "record.list.exists(x, x in record.map)",
  "record.list.exists(x, int(record.digits) == 1)",
  `record.list.exists(x, ${numbers(60)
    .map((number) => `record.z${number}`)
    .join(" || ")})`,
  "record.huge.contains(record.needle)",
])("ends for what it costs: %s", (filter) => {
  const before = process.threadCpuUsage();
  expect(evaluate(filter)).toBe(tooMuch);
  expect(process.threadCpuUsage(before).user / 1000).toBeLessThan(2000);
});

test("a constant that costs too much is refused", () => {
  const filter = `${doubled('"abcdefgh"', 25)}.exists(b, b.size() == 1)`;
  expect(() => evaluate(filter)).toThrow(`filter can never be evaluated: ${tooMuch}.`);
});

test("filter_work is inclusive: what an expression makes counts by its characters", () => {
  const [half, rest] = ["a".repeat(limits.filter_work / 2), "b".repeat(limits.filter_work / 2)];
  expect(evaluate('record.one + record.other != ""', toCelInput({ one: half, other: rest }))).toBe(true);
  expect(evaluate('record.one + record.other != ""', toCelInput({ one: half, other: `${rest}b` }))).toBe(tooMuch);
});

test("each evaluation begins anew", () => {
  const holds = compileExpression("record.contains('b') || record.size() > 1", { variables, field: "filter" });
  const text = "a".repeat(limits.filter_work / 2);
  for (let time = 0; time < 3; time += 1) expect(holds({ record: text })).toBe(true);
});

test.for([
  ["record.huge.contains('b') || record.huge.startsWith('ab') || record.huge.size() == 4000000", true],
  ["record.list.all(x, x >= 0.0 && x < 1900.0 && !(x == 1901.0))", true],
  ["record.list.map(x, x + 1.0).exists(y, y == 7.0)", "loops over more than filter_steps (2000) elements"],
  ["record.list.map(x, x + 1.0).size() == 1900 && record.list.map(x, x).size() == 1900", "filter_steps"],
  ["record.list.map(x, x + 1.0)[1899] == 1900.0", true],
  ["([1] + [2, 3] + [4])[3] == 4 && [1] + [2] == [1, 2] && ([] + [1]).size() == 1", true],
  ["size('aä€😀') == 4 && 'aä€😀'.size() == 4 && size('') == 0 && '😀'.size() == 1", true],
  ["record.map['k7'] == 7.0 && 'k8' in record.map && [5, 6][1] == 6", true],
  ["[[1, 2], [3]] == [[1, 2], [3]] && {'a': [1]} == {'a': [1]} && [1] in [[2], [1]]", true],
] as const)("as ever: %s", ([filter, expected]) => {
  const result = evaluate(filter);
  if (typeof expected === "string") expect(result).toContain(expected);
  else expect(result).toBe(expected);
});

test("a filter of words over a long text, and texts compared as lists, may be", () => {
  const words = Array.from({ length: 32 }, (_, number) => `word${number}`).join("|");
  const bound = toCelInput({ text: "ab ".repeat(20_000), one: numbers(100_000), other: numbers(100_000) });
  expect(evaluate(`record.text.matches("(?i)\\\\b(${words})\\\\b")`, bound)).toBe(false);
  expect(evaluate("record.one == record.other", bound)).toBe(true);
});
