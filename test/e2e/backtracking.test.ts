import fc from "fast-check";
import { expect, test } from "vitest";
import { nameCharacters } from "../../services/registry/verification/backtracking.ts";
import { FieldProblem, NamePatterns } from "../../services/registry/verification/module-names.ts";
import { python, resultOf, root, startProgram } from "../support/command.ts";
import { usefulPatterns } from "../support/useful-patterns.ts";

const accepts = (pattern: string, rule: "whole" | "end"): boolean => {
  try {
    new NamePatterns()[rule]("target_modules", pattern);
    return true;
  } catch (error) {
    if (error instanceof FieldProblem) return false;
    throw error;
  }
};

/** Patterns of a few letters, so that much of them can match the same. */
const randomPatterns = fc.letrec<Record<"choice" | "sequence" | "repeated" | "atom", string>>((tie) => ({
  choice: fc.array(tie("sequence"), { minLength: 1, maxLength: 2, size: "max" }).map((all) => all.join("|")),
  sequence: fc.array(tie("repeated"), { minLength: 1, maxLength: 4, size: "max" }).map((all) => all.join("")),
  repeated: fc
    .tuple(tie("atom"), fc.constantFrom("", "", "", "*", "+", "?", "*?", "+?", "{2}", "{1,3}", "{2,}", "{0,30}"))
    .map((parts) => parts.join("")),
  atom: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom("a", "b", "aa", "\\.", ".", "\\d", "\\w", "[ab]", "[^.]", "1", "\\b"),
    tie("choice").map((pattern) => `(?:${pattern})`),
  ),
})).choice;

const names = ["a", "b", ".", "1", "a.", "ab", "aab", "a1.", "ab.a1", "1a.b."].flatMap((piece) => {
  const name = piece.repeat(nameCharacters).slice(0, nameCharacters - 1);
  return [`${name}!`, `${name}\n`, `b${name}`];
});

test("random ones that are accepted end soon in Python", async () => {
  const sample = fc.sample(randomPatterns, { seed: 7, numRuns: 1500 }).map((pattern) => `(?:${pattern})[!?]`);
  const whole = sample
    .filter((pattern) => accepts(pattern, "whole"))
    .map((pattern) => ({ pattern, names, end: false }));
  const end = sample.filter((pattern) => accepts(pattern, "end")).map((pattern) => ({ pattern, names, end: true }));
  expect(whole.length).toBeGreaterThan(250);
  expect(whole.length).toBeLessThan(sample.length);
  const cases = [...usefulPatterns.map((pattern) => ({ pattern, names, end: false })), ...whole, ...end];
  const script = `${root}test/support/time_patterns.py`;
  const child = startProgram(python, [script], { env: process.env, input: JSON.stringify(cases) });
  const { code, stdout, stderr } = await resultOf(child);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const [seconds, ...slowest] = JSON.parse(stdout) as [number, string, string];
  expect(seconds, slowest.join(" on ")).toBeLessThan(20);
});
