import { limits } from "../limits.ts";
import { compilePattern, type Pattern } from "../pattern.ts";
import type { Work } from "./work.ts";

/** What compiling one instruction costs. */
const instructionCost = 500;

/** Patterns of expressions, paid for: they take time by their size for every character. */
export function paidPatterns(work: Work): { compile(source: string): Pick<Pattern, "test"> } {
  const compile = cachedPatterns(work);
  return {
    compile(source) {
      const pattern = compile(source);
      return {
        test(text) {
          work.charge((Math.min(text.length, limits.pattern_text_characters) * pattern.size) / 4);
          return pattern.test(text);
        },
      };
    },
  };
}

/** They come with the expression and, computed, with what it is tried on: only the last few are kept. One that is refused costs as the largest. */
function cachedPatterns(work: Work): (source: string) => Pattern {
  const patterns = new Map<string, Pattern>();
  return (source) => {
    const known = patterns.get(source);
    if (known !== undefined) return known;
    work.charge(limits.pattern_instructions * instructionCost);
    const pattern = compilePattern(source);
    work.charge((pattern.size - limits.pattern_instructions) * instructionCost);
    if (patterns.size >= 16) patterns.clear();
    patterns.set(source, pattern);
    return pattern;
  };
}
