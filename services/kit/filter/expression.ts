import type { CelFunc, CelResult, CelValue } from "@bufbuild/cel";
import type { Micros } from "../../store/store.ts";
import { ServiceError } from "../errors.ts";
import { limits } from "../limits.ts";
import { compilePattern, type Pattern } from "../pattern.ts";
import { toTimestamp } from "../timestamp.ts";
import type { FieldType } from "./field-types.ts";
import { filterLibrary } from "./library.ts";
import { boundLoops, filterProblem, loopRange, usesNames } from "./syntax.ts";
import { timeMethods } from "./time.ts";
import { unknownField } from "./unknown-field.ts";

/** What the variables of an expression stand for: results of `toCelInput` and `timestampReader`, texts, booleans and numbers, which are doubles. */
export type Bindings = Readonly<Record<string, unknown>>;

/** Why nobody can tell whether an expression holds. */
export interface Undecided {
  readonly problem: string;
  /** True where the expression is to blame and not what it was tried on, which may only lack a field. */
  readonly isFault: boolean;
}

/** Whether it holds, or why nobody can tell. */
export type Evaluate = (bindings: Bindings) => boolean | Undecided;

export interface ExpressionOptions {
  /** Names that it may use. */
  readonly variables: ReadonlySet<string>;
  /** What these are; of those that it has not nobody knows the fields. */
  readonly types?: ReadonlyMap<string, FieldType>;
  /** Request field that errors name. */
  readonly field: string;
}

/**
 * Compiles a CEL expression. Bounded: `filter_bytes` of text, `filter_steps` of loops, patterns as in `compilePattern`.
 * Throws ServiceError FILTER_INVALID, also for a field that its type has not, and for one without variables that gives no bool.
 */
export function compileExpression(source: string, options: ExpressionOptions): Evaluate {
  try {
    return planExpression(source, options);
  } catch (error) {
    const problem = error instanceof InvalidExpression ? error.message : whyNot(error);
    throw expressionInvalid(options.field, problem, error);
  }
}

/** @param problem goes on after the field, without its full stop */
export function expressionInvalid(field: string, problem: string, cause?: unknown): ServiceError {
  return new ServiceError("FILTER_INVALID", `${field} ${problem}.`, { field, problem }, { cause });
}

class InvalidExpression extends Error {
  override readonly name = "InvalidExpression";
}

function planExpression(source: string, { variables, types = new Map() }: ExpressionOptions): Evaluate {
  if (Buffer.byteLength(source) > limits.filter_bytes) {
    throw new InvalidExpression(`is longer than filter_bytes (${limits.filter_bytes})`);
  }
  const { celEnv, parse, plan } = filterLibrary.cel;
  const budget = new LoopBudget();
  const environment = celEnv({ funcs: [budget.rangeFunction(), ...timeMethods()], re2: cachedPatterns() });
  const parsed = parse(source);
  const isFunction = (name: string) => environment.funcs.find(name) !== undefined;
  const problem = filterProblem(parsed.expr, variables, isFunction) ?? unknownField(parsed.expr, types);
  if (problem !== undefined) {
    throw new InvalidExpression(problem);
  }
  boundLoops(parsed.expr);
  const evaluate = bounded(plan(environment, parsed) as (bindings: Bindings) => CelResult, budget);
  if (!usesNames(parsed.expr, variables)) {
    checkConstant(evaluate);
  }
  return evaluate;
}

function bounded(evaluate: (bindings: Bindings) => CelResult, budget: LoopBudget): Evaluate {
  return (bindings) => {
    budget.left = limits.filter_steps;
    const result = evaluate(bindings);
    if (budget.left < 0) {
      return { problem: `loops over more than filter_steps (${limits.filter_steps}) elements`, isFault: true };
    }
    if (filterLibrary.cel.isCelError(result)) {
      return { problem: result.message, isFault: false };
    }
    return typeof result === "boolean" ? result : { problem: "it gives no bool", isFault: true };
  };
}

/** Without variables it would fail always. */
function checkConstant(evaluate: Evaluate): void {
  const result = evaluate({});
  if (typeof result !== "boolean") {
    throw new InvalidExpression(`can never be evaluated: ${result.problem}`);
  }
}

function whyNot(error: unknown): string {
  if (error instanceof RangeError) {
    return "is nested too deeply";
  }
  return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}

/** Charges each loop with the size of what it runs over; with nothing left, loops run over nothing and the evaluation is void. */
class LoopBudget {
  left = 0;

  rangeFunction(): CelFunc {
    const { CelScalar, celFunc, celList, isCelList, isCelMap } = filterLibrary.cel;
    const nothing = celList([]);
    return celFunc(loopRange, [CelScalar.DYN], CelScalar.DYN, (range): CelValue => {
      this.left -= isCelList(range) || isCelMap(range) ? range.size : 0;
      return this.left < 0 ? nothing : range;
    });
  }
}

/** Patterns come with the expression and, computed, with what it is tried on: only the last few are kept. */
function cachedPatterns(): { compile(source: string): Pattern } {
  const patterns = new Map<string, Pattern>();
  return {
    compile(source) {
      const known = patterns.get(source);
      if (known !== undefined) {
        return known;
      }
      const pattern = compilePattern(source);
      if (patterns.size >= 16) {
        patterns.clear();
      }
      patterns.set(source, pattern);
      return pattern;
    },
  };
}

/** JSON as expressions take it. Maps instead of objects: it may have any key, `constructor` and `__proto__` too. */
export function toCelInput(value: unknown): unknown {
  if (value === null || typeof value !== "object") {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map(toCelInput);
  }
  const map = new Map<string, unknown>();
  for (const [key, field] of Object.entries(value)) {
    map.set(key, toCelInput(field));
  }
  return map;
}

/** How expressions take times. */
export function timestampReader(): (micros: Micros) => unknown {
  const { create } = filterLibrary.protobuf;
  const { TimestampSchema } = filterLibrary.wellKnownTypes;
  return (micros) => create(TimestampSchema, toTimestamp(micros));
}
