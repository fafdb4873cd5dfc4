import type { Adapter, AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { compileExpression, expressionInvalid } from "../../kit/filter/expression.ts";
import { adapterVariable, versionVariable } from "./filter-variables.ts";

type Matches<Item> = (item: Item) => boolean;

/** A filter over `adapter`, bounded as `compileExpression` says; empty matches all. What lacks what the filter asks for does not match. Throws FILTER_INVALID, also when it is tried. */
export function adapterFilter(filter: string): Matches<Adapter> {
  return compile(filter, "adapter", adapterVariable);
}

/** A filter over `version`, alike. */
export function versionFilter(filter: string): Matches<AdapterVersion> {
  return compile(filter, "version", versionVariable);
}

function compile<Item>(filter: string, name: string, variable: (item: Item) => unknown): Matches<Item> {
  if (filter === "") return () => true;
  const evaluate = compileExpression(filter, { variables: new Set([name]), field: "filter" });
  return (item) => {
    const result = evaluate({ [name]: variable(item) });
    if (typeof result === "boolean") return result;
    if (result.isFault) throw expressionInvalid("filter", `cannot be evaluated: ${result.problem}`);
    return false;
  };
}
