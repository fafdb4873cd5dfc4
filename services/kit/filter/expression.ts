import type { CelResult } from "@bufbuild/cel";
import type { Micros } from "../../store/store.ts";
import { ServiceError } from "../errors.ts";
import { limits } from "../limits.ts";
import { toTimestamp } from "../timestamp.ts";
import type { FieldType } from "./field-types.ts";
import { filterLibrary } from "./library.ts";
import { paidPatterns } from "./patterns.ts";
import { boundWork, filterProblem, usesNames } from "./syntax.ts";
import { timeMethods } from "./time.ts";
import { unknownField } from "./unknown-field.ts";
import { paidEnvironment, paidFunctions, Work } from "./work.ts";

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
 * Compiles a CEL expression. Bounded: `filter_bytes` of text, `filter_steps` of loops and `filter_work` of all, patterns as in `compilePattern`.
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
  const work = new Work();
  const environment = celEnv({ funcs: [...paidFunctions(work), ...timeMethods()], re2: paidPatterns(work) });
  const parsed = parse(source);
  const isFunction = (name: string) => environment.funcs.find(name) !== undefined;
  const problem = filterProblem(parsed.expr, variables, isFunction) ?? unknownField(parsed.expr, types);
  if (problem !== undefined) {
    throw new InvalidExpression(problem);
  }
  boundWork(parsed.expr);
  const planned = plan(paidEnvironment(environment, work), parsed) as (bindings: Bindings) => CelResult;
  const evaluate = bounded(planned, work);
  if (!usesNames(parsed.expr, variables)) {
    checkConstant(evaluate);
  }
  return evaluate;
}

function bounded(evaluate: (bindings: Bindings) => CelResult, work: Work): Evaluate {
  return (bindings) => {
    work.begin();
    const result = withoutStacks(() => evaluate(bindings));
    if (work.problem !== undefined) {
      return { problem: work.problem, isFault: true };
    }
    if (filterLibrary.cel.isCelError(result)) {
      return { problem: result.message, isFault: false };
    }
    return typeof result === "boolean" ? result : { problem: "it gives no bool", isFault: true };
  };
}

/** The library makes an error for each field that is absent, whose stack nobody sees and which takes most of the time. */
function withoutStacks<Result>(evaluate: () => Result): Result {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return evaluate();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
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
