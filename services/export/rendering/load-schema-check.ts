import type { SchemaValidation } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import type { SchemaCheck } from "./schema-check.ts";

/** As `compileSchemaCheck`, which is loaded when the first dataset has a schema: the compiler takes 3 MB in every thread. */
export async function loadSchemaCheck(validation: SchemaValidation | undefined): Promise<SchemaCheck> {
  if (validation === undefined || validation.jsonSchema === "") return () => "";
  const { compileSchemaCheck } = await import("./schema-check.ts");
  return compileSchemaCheck(validation);
}
