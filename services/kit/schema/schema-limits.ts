import { ServiceError } from "../errors.ts";
import { isObject } from "../json-object.ts";
import { limits } from "../limits.ts";

export type JsonObject = Record<string, unknown>;

/** Keywords whose value is data, not schema. */
export const dataKeywords: ReadonlySet<string> = new Set(["const", "enum", "default", "examples"]);

/** Keywords that refer to another schema. */
export const referenceKeywords: readonly string[] = ["$ref", "$dynamicRef", "$recursiveRef"];

export function schemaInvalid(problem: string, cause?: unknown): ServiceError {
  return new ServiceError("SCHEMA_INVALID", `json_schema ${problem}.`, { field: "json_schema", problem }, { cause });
}

/** Parses a JSON Schema that is small enough and refers to nothing outside itself. Throws ServiceError SCHEMA_INVALID. */
export function parseSchema(text: string): JsonObject {
  if (Buffer.byteLength(text) > limits.schema_bytes) {
    throw schemaInvalid(`is larger than schema_bytes (${limits.schema_bytes})`);
  }
  const schema = parseJson(text);
  if (!isObject(schema)) {
    throw schemaInvalid("is no JSON object");
  }
  checkNodes(schema);
  checkReferences(schema);
  return schema;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw schemaInvalid(`is no JSON: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

/** Level by level, so that no depth overflows the stack. */
function checkNodes(schema: JsonObject): void {
  let level: object[] = [schema];
  let count = 0;
  for (let depth = 1; level.length > 0; depth += 1) {
    count += level.length;
    if (depth > limits.schema_depth) {
      throw schemaInvalid(`is nested deeper than schema_depth (${limits.schema_depth})`);
    }
    if (count > limits.schema_nodes) {
      throw schemaInvalid(`has more objects and arrays than schema_nodes (${limits.schema_nodes})`);
    }
    level = level.flatMap((node) => Object.values(node)).filter((value) => typeof value === "object" && value !== null);
  }
}

function checkReferences(node: unknown): void {
  if (Array.isArray(node)) {
    node.forEach(checkReferences);
  } else if (isObject(node)) {
    for (const [key, value] of Object.entries(node)) {
      checkKeyword(key, value);
      if (!dataKeywords.has(key)) {
        checkReferences(value);
      }
    }
  }
}

function checkKeyword(key: string, value: unknown): void {
  if (key === "__proto__") {
    throw schemaInvalid("names a property __proto__, which is not checked");
  }
  if (referenceKeywords.includes(key) && typeof value === "string" && !value.startsWith("#")) {
    throw schemaInvalid(
      `refers to ${JSON.stringify(value.slice(0, 100))}; only references inside the schema (#…) are followed`,
    );
  }
  if (key === "$async" && value === true) {
    throw schemaInvalid("uses $async, which is not supported");
  }
  if (isObject(value) && typeof value["$data"] === "string") {
    throw schemaInvalid("uses $data, which is not supported");
  }
}
