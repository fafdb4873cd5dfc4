import type { Expr, Expr_Call, Expr_Comprehension } from "@bufbuild/cel-spec/cel/expr/syntax_pb.js";
import { either, type FieldType, listOf, nothing, open } from "./field-types.ts";
import { nearestName } from "./nearest-name.ts";
import { childrenOf } from "./syntax.ts";

/** What names stand for. */
type Scope = ReadonlyMap<string, FieldType>;

/** A field that an expression names and that its variables do not have or leave blank; undefined where there is none, or where nobody knows. */
export function unknownField(root: Expr, variables: Scope): string | undefined {
  const reader = new FieldReader();
  reader.typeOf(root, variables);
  return reader.problem;
}

class FieldReader {
  problem: string | undefined;

  typeOf(expr: Expr, scope: Scope): FieldType {
    const { exprKind } = expr;
    switch (exprKind.case) {
      case "identExpr":
        return scope.get(exprKind.value.name) ?? open;
      case "selectExpr":
        return this.#field(exprKind.value.operand, exprKind.value.field, scope);
      case "listExpr":
        return listOf(exprKind.value.elements.map((element) => this.typeOf(element, scope)).reduce(either, nothing));
      case "callExpr":
        return this.#call(exprKind.value, scope);
      case "comprehensionExpr":
        return this.#loop(exprKind.value, scope);
      default:
        for (const child of childrenOf(expr)) this.typeOf(child, scope);
        return open;
    }
  }

  #call({ function: name, target, args }: Expr_Call, scope: Scope): FieldType {
    const [first = open, second = open, third = open] = args.map((argument) => this.typeOf(argument, scope));
    if (target !== undefined) this.typeOf(target, scope);
    if (name === "_?_:_") return either(second, third);
    if (name === "_+_") return first.kind === "list" && second.kind === "list" ? either(first, second) : open;
    if (name !== "_[_]") return open;
    const key = textOf(args[1]);
    if (first.kind === "message" && key !== undefined) return this.#fieldOf(first, key, () => pathOf(args[0]));
    return first.kind === "list" ? known(first.element) : open;
  }

  /** Of the macros: the result is what the loop begins with, or what a turn of it makes of that. */
  #loop({ iterVar, accuVar, iterRange, accuInit, ...parts }: Expr_Comprehension, scope: Scope): FieldType {
    const range = this.#optional(iterRange, scope);
    const initial = this.#optional(accuInit, scope);
    const element = range.kind === "list" ? known(range.element) : open;
    const inner = new Map([...scope, [iterVar, element], [accuVar, initial]]);
    this.#optional(parts.loopCondition, inner);
    const made = either(initial, this.#optional(parts.loopStep, inner));
    return this.#optional(parts.result, new Map([...inner, [accuVar, made]]));
  }

  #optional(expr: Expr | undefined, scope: Scope): FieldType {
    return expr === undefined ? open : this.typeOf(expr, scope);
  }

  #field(operand: Expr | undefined, field: string, scope: Scope): FieldType {
    return this.#fieldOf(this.#optional(operand, scope), field, () => pathOf(operand));
  }

  #fieldOf(type: FieldType, field: string, path: () => string): FieldType {
    if (type.kind === "open" || type.kind === "nothing") return open;
    const found = type.kind === "message" ? type.fields.get(field) : undefined;
    if (found !== undefined && found.kind !== "blank") return found;
    this.problem ??= problemOf(type, field, path());
    return open;
  }
}

/** An element of a list that is always empty has all fields. */
function known(element: FieldType): FieldType {
  return element === nothing ? open : element;
}

function problemOf(type: FieldType, field: string, path: string): string {
  const named = `names "${path}.${field}"`;
  if (type.kind !== "message") return `${named}, but ${path} has no fields`;
  if (type.fields.has(field)) return `${named}, which lists leave blank`;
  const names = [...type.fields].filter(([, { kind }]) => kind !== "blank").map(([name]) => name);
  const nearest = nearestName(field, names);
  if (nearest !== undefined) return `${named}, which does not exist; "${path}.${nearest}" does`;
  return `${named}, but ${path} has only ${names.join(", ")}`;
}

function textOf(expr: Expr | undefined): string | undefined {
  if (expr?.exprKind.case !== "constExpr") return undefined;
  const { constantKind } = expr.exprKind.value;
  return constantKind.case === "stringValue" ? constantKind.value : undefined;
}

/** How an expression writes what has a field. */
function pathOf(expr: Expr | undefined): string {
  const { exprKind } = expr ?? {};
  if (exprKind?.case === "identExpr") return exprKind.value.name;
  if (exprKind?.case === "selectExpr") return `${pathOf(exprKind.value.operand)}.${exprKind.value.field}`;
  if (exprKind?.case === "callExpr" && exprKind.value.function === "_[_]")
    return `${pathOf(exprKind.value.args[0])}[…]`;
  return "(…)";
}
