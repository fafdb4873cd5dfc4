import { describe, expect, test } from "vitest";
import { usefulPatterns } from "../../../test/support/useful-patterns.ts";
import { backtrackingCost, nameCharacters } from "./backtracking.ts";
import { FieldProblem, NamePatterns } from "./module-names.ts";
import { parsePattern } from "./pattern-syntax.ts";

const hostile = [
  "([a-z0-9_.]+)+!",
  ".*\\.(q|v)_proj|([a-z0-9_.]+)+!",
  "(.|[a-z.]|[a-z0-9._])+[!?]",
  "(?:a|aa)+!",
  "(?i)(?:a|A)+!",
  "(?:\\w*a)*!",
  "(?:\\d+\\w)+!",
  "(?:a|[ab]){40}!",
  `${"a?".repeat(40)}!`,
  `${"(a|a)".repeat(40)}!`,
  "((a{1,9}){1,9}){1,5}!",
  ".*.*.*.*.*[!?]",
];
const unread = [
  "(a*)*",
  "(?:|a)*",
  "\\b+",
  "a**",
  "a*+",
  "a{,3}",
  "(?<name>a)",
  "a(?i)b",
  "(?s).*",
  "\\pL",
  "[[:alpha:]]",
];

const accepts = (check: (patterns: NamePatterns) => unknown): boolean => {
  try {
    check(new NamePatterns());
    return true;
  } catch (error) {
    if (error instanceof FieldProblem) return false;
    throw error;
  }
};
const acceptsWhole = (pattern: string): boolean => accepts((patterns) => patterns.whole("target_modules", pattern));
const acceptsEnd = (pattern: string): boolean => accepts((patterns) => patterns.end("rank_pattern", pattern));

describe("a pattern for engines that backtrack", () => {
  test.each(usefulPatterns)("may be %s", (pattern) => {
    expect(acceptsWhole(pattern)).toBe(true);
  });

  test.each(hostile)("is not %s", (pattern) => {
    const whole = () => new NamePatterns().whole("target_modules", pattern);
    expect(whole).toThrow(/can keep PEFT and vLLM busy with ".*", on a name of 200 characters/);
    expect(acceptsEnd(pattern)).toBe(false);
  });

  test.each(unread)("is nothing else than what all engines read alike: %s", (pattern) => {
    expect(() => new NamePatterns().whole("target_modules", pattern)).toThrow(/cannot be used/);
  });

  test("counts together with all others", () => {
    const patterns = new NamePatterns();
    patterns.whole("target_modules", ".*.*.*.*!");
    expect(() => patterns.whole("exclude_modules", ".*.*.*.*!")).toThrow(/adapter_backtracking_steps/);
  });

  test("is counted as the ways through it", () => {
    const steps = (pattern: string) => backtrackingCost(parsePattern(pattern)).steps;
    expect(steps("a.*")).toBe(1 + 3 * nameCharacters);
    // Ends of three stars in 200 characters.
    expect(steps(".*.*.*!")).toBeGreaterThan((203 * 202 * 201) / 6);
    expect(steps("\\d+\\.x")).toBeLessThan(5 * nameCharacters);
    expect(steps("(?:a|b)*!")).toBeLessThan(10 * nameCharacters);
  });
});
