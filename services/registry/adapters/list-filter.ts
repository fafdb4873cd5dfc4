import type { Adapter, AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { compileExpression, expressionInvalid } from "../../kit/filter/expression.ts";
import type { FieldType } from "../../kit/filter/field-types.ts";
import { adapterFields, versionFields } from "./filter-fields.ts";
import { adapterVariable, versionVariable } from "./filter-variables.ts";

type Matches<Item> = (item: Item) => boolean;

/**
 * A filter over `adapter`, bounded as `compileExpression` says; empty matches all. What lacks what the filter asks for does not match: an optional field, a key of a map.
 * Throws FILTER_INVALID, for a field that no adapter has too; also when it is tried.
 */
export function adapterFilter(filter: string): Matches<Adapter> {
  return compile(filter, { name: "adapter", type: adapterFields, shown: adapterVariable });
}

/** A filter over `version`, alike. */
export function versionFilter(filter: string): Matches<AdapterVersion> {
  return compile(filter, { name: "version", type: versionFields, shown: versionVariable });
}

interface Variable<Item> {
  readonly name: string;
  readonly type: FieldType;
  readonly shown: (item: Item) => unknown;
}

function compile<Item>(filter: string, { name, type, shown }: Variable<Item>): Matches<Item> {
  if (filter === "") return () => true;
  const variables = new Set([name]);
  const evaluate = compileExpression(filter, { variables, types: new Map([[name, type]]), field: "filter" });
  return (item) => {
    const result = evaluate({ [name]: shown(item) });
    if (typeof result === "boolean") return result;
    if (result.isFault) throw expressionInvalid("filter", `cannot be evaluated: ${result.problem}`);
    return false;
  };
}
