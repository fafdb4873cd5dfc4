import { createRequire } from "node:module";
import type { RE2JS } from "re2js";
import { limits } from "./limits.ts";

/** Loads the library when the first pattern needs it: it takes a megabyte in every thread. */
const require = createRequire(import.meta.url);
const library = (): typeof import("re2js") => require("re2js") as typeof import("re2js");

/** A regular expression in RE2 syntax, with JavaScript's escapes: takes time linear in the text, whatever it is. */
export interface Pattern {
  /** Throws PatternProblem for text over `pattern_text_characters`. */
  test(text: string): boolean;
  /** Instructions of its program. */
  readonly size: number;
  /** The pattern itself: the schema compiler takes patterns of equal text for the same one. */
  toString(): string;
}

/** What is wrong with a pattern or its text, in one sentence. */
export class PatternProblem extends Error {
  override readonly name = "PatternProblem";
}

/** Throws PatternProblem for what RE2 does not take (look-around, back references) and for programs over `pattern_instructions`. */
export function compilePattern(source: string): Pattern {
  if (source.length > limits.pattern_instructions) {
    throw tooLarge(source);
  }
  const compiled = parse(source);
  const size = compiled.programSize();
  if (size > limits.pattern_instructions) {
    throw tooLarge(source);
  }
  return {
    size,
    toString: () => source,
    test(text) {
      if (text.length > limits.pattern_text_characters) {
        const limit = `pattern_text_characters (${limits.pattern_text_characters})`;
        throw new PatternProblem(`Text of ${text.length} characters is too long for a pattern: ${limit}`);
      }
      return compiled.test(text);
    },
  };
}

function parse(source: string): RE2JS {
  try {
    const { RE2JS } = library();
    return RE2JS.compile(RE2JS.translateRegExp(source));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new PatternProblem(`Pattern ${shownPattern(source)} is no RE2 regular expression: ${why}`, { cause: error });
  }
}

function tooLarge(source: string): PatternProblem {
  return new PatternProblem(
    `Pattern ${shownPattern(source)} is larger than pattern_instructions (${limits.pattern_instructions})`,
  );
}

function shownPattern(source: string): string {
  return JSON.stringify(source.length > 80 ? `${source.slice(0, 80)}…` : source);
}
