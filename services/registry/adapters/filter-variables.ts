import type { Timestamp } from "../../../proto/gen/google/protobuf/timestamp.ts";
import type { Adapter, AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { filterLibrary } from "../../kit/filter/library.ts";
import { snakeCase } from "../../kit/snake-case.ts";
import { methodNames } from "../verification/method.ts";
import { stateName } from "./version-state.ts";

/** Fields whose keys are the caller's own. */
const mapFields: ReadonlySet<string> = new Set([
  "metadata",
  "metrics",
  "rankPattern",
  "alphaPattern",
  "packageVersions",
]);

/** What a filter sees as `adapter`: the message with the names of its proto; what is absent there is absent here, numbers are doubles. */
export function adapterVariable(adapter: Adapter): unknown {
  return variable(adapter);
}

/** What a filter sees as `version`, alike; names of states and methods are texts. */
export function versionVariable(version: AdapterVersion): unknown {
  return variable({ ...version, state: stateName(version.state), method: methodNames[version.method] });
}

function variable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(variable);
  if (typeof value !== "object" || value === null) return value;
  return isTimestamp(value) ? timestamp(value) : fieldsOf(value);
}

function fieldsOf(message: object): ReadonlyMap<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const [name, value] of Object.entries(message)) {
    if (mapFields.has(name)) fields.set(snakeCase(name), new Map(Object.entries(value)));
    else if (isOneof(value)) fields.set(snakeCase(value.$case), value.value);
    else if (value !== undefined) fields.set(snakeCase(name), variable(value));
  }
  return fields;
}

function isOneof(value: unknown): value is { readonly $case: string; readonly value: unknown } {
  return typeof value === "object" && value !== null && "$case" in value;
}

function isTimestamp(value: object): value is Timestamp {
  return "seconds" in value && "nanos" in value;
}

function timestamp(value: Timestamp): unknown {
  return filterLibrary.protobuf.create(filterLibrary.wellKnownTypes.TimestampSchema, value);
}
