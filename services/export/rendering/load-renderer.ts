import type { DatasetSpec, SchemaValidation } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import type { Micros } from "../../store/store.ts";
import type { ExporterRegistry } from "./exporter-registry.ts";
import { createRenderer, type Renderer } from "./renderer.ts";
import type { SchemaCheck } from "./schema-check.ts";

/** As `createRenderer`, with the check of the spec's schema. Rejects with SCHEMA_INVALID too. */
export async function loadRenderer(spec: DatasetSpec, asOf: Micros, exporters: ExporterRegistry): Promise<Renderer> {
  return createRenderer(spec, asOf, exporters, await loadSchemaCheck(spec.schemaValidation));
}

/** Its compiler is loaded when the first dataset has a schema: it takes 3 MB in every thread. */
async function loadSchemaCheck(validation: SchemaValidation | undefined): Promise<SchemaCheck> {
  if (!validation?.jsonSchema) return () => "";
  const { compileSchemaCheck } = await import("./schema-check.ts");
  return compileSchemaCheck(validation);
}
