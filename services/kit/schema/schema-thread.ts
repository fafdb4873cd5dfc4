import { parentPort } from "node:worker_threads";
import { ServiceError } from "../errors.ts";
import { isObject } from "../json-object.ts";
import { type ThreadError, toThreadError } from "../thread-error.ts";
import { compileSchema, type SchemaProblem } from "./schema.ts";
import type { JsonObject } from "./schema-limits.ts";

export interface SchemaRequest {
  readonly schema: string;
  /** Absent: the schema is only compiled. */
  readonly sample?: { readonly json: string; readonly without: readonly string[] };
}

export type SchemaReply = { readonly problems: SchemaProblem[] } | { readonly error: ThreadError };

function answer({ schema, sample }: SchemaRequest): SchemaReply {
  try {
    const compiled = compileSchema(schema, { allProblems: true });
    return { problems: sample === undefined ? [] : compiled.problemsOf(parse(sample), sample.json.length) };
  } catch (error) {
    if (!(error instanceof ServiceError)) {
      throw error;
    }
    return { error: toThreadError(error) };
  }
}

function parse({ json, without }: Required<SchemaRequest>["sample"]): unknown {
  const value: unknown = JSON.parse(json);
  for (const key of isObject(value) ? without : []) {
    delete (value as JsonObject)[key];
  }
  return value;
}

parentPort?.on("message", (request: SchemaRequest) => parentPort?.postMessage(answer(request)));
parentPort?.postMessage("ready");
