import type { SchemaValidation } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { compileSchema } from "../../kit/schema/schema.ts";

/** What is wrong with a sample, given also as JSON; empty where it fits. */
export type SchemaCheck = (sample: object, json: string) => string;

/** Compiles the dataset's schema, which `checkSpec` has seen. Throws ServiceError SCHEMA_INVALID. */
export function compileSchemaCheck({ jsonSchema }: Pick<SchemaValidation, "jsonSchema">): SchemaCheck {
  const schema = compileSchema(jsonSchema, { checked: true });
  return (sample, json) => schema.problemOf(sample, json.length) ?? "";
}
