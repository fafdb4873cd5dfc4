import type { CelFunc, CelResult, CelValue } from "@bufbuild/cel";
import { RejectReason } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { ServiceError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import type { Micros } from "../../store/store.ts";
import { filterLibrary } from "./filter-library.ts";
import { boundLoops, filterProblem, loopRange, usesNames } from "./filter-syntax.ts";
import { timeMethods } from "./filter-time.ts";
import type { Fields } from "./path.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import { type Rejection, reject } from "./rejection.ts";

export type Filter = (id: string, fields: Fields, record: StoredRecord) => boolean | Rejection;

/** Names that a filter may use. */
const variables: ReadonlySet<string> = new Set([
  "record",
  "id",
  "source",
  "quality_score",
  "create_time",
  "update_time",
]);

/**
 * Compiles a CEL expression. Bounded: `filter_bytes` of text, `filter_steps` of loops, patterns as in `compilePattern`; numbers of a record are doubles.
 * Throws ServiceError FILTER_INVALID, also for one without variables that gives no bool.
 */
export function compileFilter(source: string): Filter {
  const evaluate = planFilter(source);
  const timestampMessage = timestampReader();
  return (id, fields, record) => {
    const result = evaluate({
      record: toCelInput(fields),
      id,
      source: record.source,
      quality_score: record.qualityScore ?? 0,
      create_time: timestampMessage(record.createTimeMicros),
      update_time: timestampMessage(record.updateTimeMicros),
    });
    return typeof result === "boolean"
      ? result
      : reject(RejectReason.REJECT_REASON_FILTER_FAILED, `Filter could not be evaluated: ${result.problem}`);
  };
}

type Bindings = Readonly<Record<string, unknown>>;
type Evaluate = (bindings: Bindings) => boolean | { readonly problem: string };

function planFilter(source: string): Evaluate {
  if (Buffer.byteLength(source) > limits.filter_bytes) {
    throw invalid(`is longer than filter_bytes (${limits.filter_bytes})`);
  }
  const { celEnv, parse, plan } = filterLibrary.cel;
  const budget = new LoopBudget();
  const environment = celEnv({ funcs: [budget.rangeFunction(), ...timeMethods()], re2: cachedPatterns() });
  try {
    const parsed = parse(source);
    const problem = filterProblem(parsed.expr, variables, (name) => environment.funcs.find(name) !== undefined);
    if (problem !== undefined) {
      throw invalid(problem);
    }
    boundLoops(parsed.expr);
    const evaluate = bounded(plan(environment, parsed) as (bindings: Bindings) => CelResult, budget);
    if (!usesNames(parsed.expr, variables)) {
      checkConstant(evaluate);
    }
    return evaluate;
  } catch (error) {
    throw error instanceof ServiceError ? error : invalid(whyNot(error), error);
  }
}

function bounded(evaluate: (bindings: Bindings) => CelResult, budget: LoopBudget): Evaluate {
  return (bindings) => {
    budget.left = limits.filter_steps;
    const result = evaluate(bindings);
    if (budget.left < 0) {
      return { problem: `loops over more than filter_steps (${limits.filter_steps}) elements` };
    }
    if (filterLibrary.cel.isCelError(result)) {
      return { problem: result.message };
    }
    return typeof result === "boolean" ? result : { problem: "it gives no bool" };
  };
}

/** Without variables it would fail every record. */
function checkConstant(evaluate: Evaluate): void {
  const result = evaluate({});
  if (typeof result !== "boolean") {
    throw invalid(`can never be evaluated: ${result.problem}`);
  }
}

function whyNot(error: unknown): string {
  if (error instanceof RangeError) {
    return "is nested too deeply";
  }
  return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}

function invalid(problem: string, cause?: unknown): ServiceError {
  return new ServiceError(
    "FILTER_INVALID",
    `selection.filter ${problem}.`,
    { field: "selection.filter", problem },
    { cause },
  );
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

/** Patterns come with the expression and, computed, with records: only the last few are kept. */
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

/** Maps instead of objects: a record may have any key, `constructor` and `__proto__` too. */
function toCelInput(value: unknown): unknown {
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

function timestampReader(): (micros: Micros) => unknown {
  const { create } = filterLibrary.protobuf;
  const { TimestampSchema } = filterLibrary.wellKnownTypes;
  return (micros) => create(TimestampSchema, toTimestamp(micros));
}
