import { limits } from "../../kit/limits.ts";
import { compilePattern, PatternProblem } from "../../kit/pattern.ts";
import { type BacktrackingCost, backtrackingCost, nameCharacters } from "./backtracking.ts";
import { parsePattern, SyntaxProblem } from "./pattern-syntax.ts";
import { shownText } from "./strict-json.ts";

/** Tells which modules a pattern of PEFT's names. */
export interface NamePattern {
  matches(module: string): boolean;
}

/** What it takes to compile a pattern, in steps. */
const compilingPlain = 10_000;
const compiling = 50_000;

/** Without any of a regular expression's operators but the dot. */
const plain = /^[\w.-]+$/;

/** What is wrong with a pattern in a field of `adapter_config.json`. */
export class FieldProblem extends Error {
  override readonly name = "FieldProblem";
  readonly field: string;

  constructor(field: string, problem: string) {
    super(problem);
    this.field = field;
  }
}

/**
 * Compiles what `adapter_config.json` gives as regular expressions. Names without operators become native ones of fixed length, all
 * others are tried in time linear in the name, all together in at most `adapter_pattern_steps`. PEFT and vLLM try them again with
 * engines that backtrack: what could take those more than `adapter_backtracking_steps` is refused. All methods throw FieldProblem.
 */
export class NamePatterns {
  #steps = 0;
  #backtracking = 0;

  /** As Python's `re.fullmatch(pattern, module)`. */
  whole(field: string, pattern: string): NamePattern {
    return this.#compile(field, pattern, pattern);
  }

  /** The rule of `rank_pattern` and `alpha_pattern`: `re.match(rf"(.*\.)?({pattern})$", module)`. */
  end(field: string, pattern: string): NamePattern {
    return this.#compile(field, pattern, `(?:.*\\.)?(?:${pattern})`);
  }

  #compile(field: string, pattern: string, inPlace: string): NamePattern {
    const anchored = `^(?:${inPlace})$`;
    const isPlain = plain.test(pattern);
    this.#spend(field, isPlain ? compilingPlain : compiling);
    const { size, test } = isPlain ? native(anchored) : safe(field, pattern, anchored);
    if (!isPlain) this.#checkBacktracking(field, pattern, inPlace);
    return {
      matches: (module) => {
        this.#spend(field, size * module.length);
        return test(module);
      },
    };
  }

  #checkBacktracking(field: string, pattern: string, inPlace: string): void {
    const { steps, counting } = costOf(field, inPlace);
    this.#spend(field, counting);
    this.#backtracking += steps;
    if (this.#backtracking <= limits.adapter_backtracking_steps) return;
    const limit = `adapter_backtracking_steps (${limits.adapter_backtracking_steps})`;
    const name = `a name of ${nameCharacters} characters`;
    throw new FieldProblem(
      field,
      `can keep PEFT and vLLM busy with ${shownText(pattern)}, on ${name} for more than ${limit}`,
    );
  }

  #spend(field: string, steps: number): void {
    this.#steps += steps;
    if (this.#steps > limits.adapter_pattern_steps) {
      const limit = `adapter_pattern_steps (${limits.adapter_pattern_steps})`;
      throw new FieldProblem(field, `takes too long for the layers of this base model: ${limit}`);
    }
  }
}

interface Compiled {
  /** Steps that a character takes at most. */
  readonly size: number;
  test(module: string): boolean;
}

function native(anchored: string): Compiled {
  const expression = new RegExp(anchored);
  return { size: 1, test: (module) => expression.test(module) };
}

function safe(field: string, pattern: string, anchored: string): Compiled {
  try {
    // By itself first: what closes a group and opens another is only whole with ours around it.
    compilePattern(pattern);
    const compiled = compilePattern(anchored);
    return { size: compiled.size, test: (module) => compiled.test(module) };
  } catch (error) {
    if (error instanceof PatternProblem) throw new FieldProblem(field, `cannot be used: ${error.message}`);
    throw error;
  }
}

function costOf(field: string, pattern: string): BacktrackingCost {
  try {
    return backtrackingCost(parsePattern(pattern));
  } catch (error) {
    if (error instanceof SyntaxProblem) throw new FieldProblem(field, `cannot be used: it ${error.message}`);
    throw error;
  }
}

/** A module and the modules that it ends like: `a.b.c`, `b.c`, `c`. */
export function* endsOf(module: string): Generator<string> {
  yield module;
  for (let dot = module.indexOf("."); dot !== -1; dot = module.indexOf(".", dot + 1)) yield module.slice(dot + 1);
}

/** PEFT's rule of `modules_to_save`: a module is saved whose name ends like one of these, with all that lies in it. */
export function savedModules(modulesToSave: readonly string[]): (module: string) => boolean {
  if (modulesToSave.length === 0) return () => false;
  const names = modulesToSave.map((name) => name.replaceAll(".", "\\."));
  const expression = new RegExp(`(?:${names.join("|")})(?:\\.|$)`);
  return (module) => expression.test(module);
}
