import type { SchemaProblem } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { fieldInvalid } from "../../kit/field.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { resolveDataset } from "../dataset/datasets.ts";

export type SchemaSource =
  | { readonly $case: "jsonSchema"; readonly value: string }
  | { readonly $case: "dataset"; readonly value: string };

/** What does not fit of a sample (valid JSON), at most 20. With a dataset, its schema sees the sample without weight and metadata. */
export async function validateSample(
  context: ExportContext,
  tenant: TenantId,
  schema: SchemaSource,
  sampleJson: string,
): Promise<SchemaProblem[]> {
  if (schema.$case === "jsonSchema") {
    return context.schemas.validate(schema.value, sampleJson);
  }
  const { spec } = await resolveDataset(context, tenant, schema.value);
  if (spec.schemaValidation === undefined) {
    throw fieldInvalid("dataset", schema.value, "a dataset with a schema");
  }
  return context.schemas.validate(spec.schemaValidation.jsonSchema, sampleJson, ["weight", "metadata"]);
}
