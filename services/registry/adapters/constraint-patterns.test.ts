import { afterAll, expect, test } from "vitest";
import { limits } from "../../kit/limits.ts";
import { ConstraintPatterns } from "./constraint-patterns.ts";

const patterns = new ConstraintPatterns();
afterAll(() => patterns[Symbol.asyncDispose]());

test.each([
  ["(yes|no", "missing closing )"],
  ["yes)", "unexpected )"],
  ["[a-z", "missing closing ]"],
  ["[z-a]", 'invalid character class range in "z-a"'],
  ["*yes", "missing argument to repetition operator"],
  ["yes\\", "trailing backslash at end of expression"],
  [`(${"yes|".repeat(10_000)}`, "missing closing )"],
])("%.20s is refused", async (pattern, problem) => {
  await expect(patterns.check(pattern)).rejects.toMatchObject({
    reason: "FIELD_INVALID",
    metadata: { field: "constraint.pattern", expected: expect.stringContaining(`a regular expression: ${problem}`) },
  });
});

test.each([
  "(yes|no)",
  "^[A-Z]{2}-\\d+$",
  "(?P<year>\\d{4})-(?<month>\\d\\d)",
  "(?=a)b(?!c)(?<=b)(?<!d)",
  "(a)\\1(?P=a)",
  "(?x) a b # (",
  "(?>a++)b*+",
  "a{0,2000}",
  "\\p{Script=Greek}[[:letter:]]",
  "[]a][^]]",
  "[](]",
  "[]",
  "x".repeat(limits.constraint_bytes),
  "(a{1000}){1000}".repeat(4000),
])("%.30s may be one", async (pattern) => {
  await patterns.check(pattern);
});
