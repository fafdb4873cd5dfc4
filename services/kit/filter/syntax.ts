import type { Expr } from "@bufbuild/cel-spec/cel/expr/syntax_pb.js";

/** Name of the function that every loop's range passes through; no expression can name it. */
export const loopRange = "@loop_range";

/** Name of the function that what has an index passes through; no expression can name it. */
export const indexedValue = "@indexed_value";

/** CEL's names of types, which are values. */
const typeNames: ReadonlySet<string> = new Set([
  "bool",
  "bytes",
  "double",
  "duration",
  "google",
  "int",
  "list",
  "map",
  "null_type",
  "string",
  "timestamp",
  "type",
  "uint",
]);

const identifier = /^[A-Za-z][A-Za-z0-9_]*$/;

/** A name or function that an expression uses and that does not exist; undefined where all do. */
export function filterProblem(
  root: Expr,
  variables: ReadonlySet<string>,
  isFunction: (name: string) => boolean,
): string | undefined {
  let problem: string | undefined;
  const visit = (expr: Expr, names: ReadonlySet<string>): void => {
    const { exprKind } = expr;
    if (exprKind.case === "identExpr" && !names.has(exprKind.value.name)) {
      problem ??= `names "${exprKind.value.name}", but there are only ${[...variables].join(", ")}`;
    }
    if (
      exprKind.case === "callExpr" &&
      identifier.test(exprKind.value.function) &&
      !isFunction(exprKind.value.function)
    ) {
      problem ??= `calls "${exprKind.value.function}", which is no function of CEL`;
    }
    const inner = exprKind.case === "comprehensionExpr" ? [exprKind.value.iterVar, exprKind.value.accuVar] : [];
    const scope = inner.length === 0 ? names : new Set([...names, ...inner]);
    for (const child of childrenOf(expr)) {
      visit(child, scope);
    }
  };
  visit(root, new Set([...variables, ...typeNames]));
  return problem;
}

/** Whether an expression uses one of these names anywhere. One that uses none always gives the same. */
export function usesNames(expr: Expr, names: ReadonlySet<string>): boolean {
  const { exprKind } = expr;
  if (exprKind.case === "identExpr" && names.has(exprKind.value.name)) {
    return true;
  }
  return childrenOf(expr).some((child) => usesNames(child, names));
}

/**
 * Sends the range of every loop through the function `loopRange`, with how many parts each turn evaluates, and what is
 * indexed by anything but a text through `indexedValue`. Changes the expression.
 */
export function boundWork(expr: Expr): void {
  const parts = turnParts(expr);
  for (const child of childrenOf(expr)) {
    boundWork(child);
  }
  const { exprKind } = expr;
  if (exprKind.case === "comprehensionExpr" && exprKind.value.iterRange !== undefined) {
    const range = exprKind.value.iterRange;
    exprKind.value.iterRange = callOf(loopRange, range, integer(range, BigInt(parts)));
  }
  if (exprKind.case === "callExpr" && exprKind.value.function === "_[_]") {
    const [indexed, index] = exprKind.value.args;
    if (indexed !== undefined && index !== undefined && !isText(index)) {
      exprKind.value.args = [callOf(indexedValue, indexed), index];
    }
  }
}

/** Parts of an expression that one turn of its loop evaluates; those of a loop inside count for that one. */
function turnParts({ exprKind }: Expr): number {
  if (exprKind.case !== "comprehensionExpr") return 0;
  const { loopCondition, loopStep } = exprKind.value;
  return partsOf(loopCondition) + partsOf(loopStep);
}

function partsOf(expr: Expr | undefined): number {
  if (expr === undefined) return 0;
  const { exprKind } = expr;
  const inner =
    exprKind.case === "comprehensionExpr" ? [exprKind.value.iterRange, exprKind.value.accuInit] : childrenOf(expr);
  return inner.reduce((sum, child) => sum + partsOf(child), 1);
}

function isText({ exprKind }: Expr): boolean {
  return exprKind.case === "constExpr" && exprKind.value.constantKind.case === "stringValue";
}

function callOf(name: string, like: Expr, ...more: Expr[]): Expr {
  const value = { $typeName: "cel.expr.Expr.Call" as const, function: name, args: [like, ...more] };
  return { ...like, exprKind: { case: "callExpr", value } };
}

function integer(like: Expr, value: bigint): Expr {
  const constant = { $typeName: "cel.expr.Constant", constantKind: { case: "int64Value", value } } as const;
  return { ...like, exprKind: { case: "constExpr", value: constant } };
}

export function childrenOf({ exprKind }: Expr): Expr[] {
  return childSlots(exprKind).filter((child) => child !== undefined);
}

function childSlots(kind: Expr["exprKind"]): (Expr | undefined)[] {
  switch (kind.case) {
    case "selectExpr":
      return [kind.value.operand];
    case "callExpr":
      return [kind.value.target, ...kind.value.args];
    case "listExpr":
      return kind.value.elements;
    case "structExpr":
      return kind.value.entries.flatMap((entry) => [
        entry.keyKind.case === "mapKey" ? entry.keyKind.value : undefined,
        entry.value,
      ]);
    case "comprehensionExpr": {
      const { iterRange, accuInit, loopCondition, loopStep, result } = kind.value;
      return [iterRange, accuInit, loopCondition, loopStep, result];
    }
    default:
      return [];
  }
}
