import type { Expr } from "@bufbuild/cel-spec/cel/expr/syntax_pb.js";

/** Name of the function that every loop's range passes through; no expression can name it. */
export const loopRange = "@loop_range";

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

/** Sends the range of every loop through the function `loopRange`. Changes the expression. */
export function boundLoops(expr: Expr): void {
  for (const child of childrenOf(expr)) {
    boundLoops(child);
  }
  if (expr.exprKind.case === "comprehensionExpr" && expr.exprKind.value.iterRange !== undefined) {
    const range = expr.exprKind.value.iterRange;
    const call = { $typeName: "cel.expr.Expr.Call", function: loopRange, args: [range] } as const;
    expr.exprKind.value.iterRange = { ...range, exprKind: { case: "callExpr", value: { ...call, args: [range] } } };
  }
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
