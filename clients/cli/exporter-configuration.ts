import { z } from "zod";
import { DatasetSpec, type PartSource } from "../../proto/gen/loraloop/export/v1/dataset.ts";
import { InputError } from "./failure.ts";
import { qualityFields } from "./quality-fields.ts";
import { anyObject, parseStrict } from "./strict-json.ts";

export interface ImportedDataset {
  readonly spec: DatasetSpec;
  /** What the configuration says that a dataset does not hold, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Makes a dataset of the configuration of the JSONL exporter (`style`, `field_mapping`, `weighting`, `quality`, …, with its export options), as JSON.
 * Defaults are the exporter's where its documents show them: weights are on, from the field `importance`, 1.0 where it is missing; errors do not stop.
 * Throws InputError, which names unknown keys and wrong types; only `adapter_metadata` may hold anything.
 */
export function importExporterConfiguration(text: string, collection: string): ImportedDataset {
  const { options, ...rest } = parseStrict(configuration, text, "The exporter configuration");
  const file = { ...rest, ...options };
  const spec = DatasetSpec.fromPartial({
    collection,
    format: styles[file.style].format,
    mapping: mappingOf(file),
    weighting: weightingOf(file.weighting ?? {}),
    quality: file.quality,
    schemaValidation: schemaOf(file.structured_gen ?? {}),
    metadataFields: file.include_metadata === false ? [] : (file.metadata_fields ?? []),
    errorHandling: { stopOnError: file.continue_on_error === false, maxErrors: file.max_errors },
    adapterMetadataJson: file.adapter_metadata === undefined ? "" : JSON.stringify(file.adapter_metadata),
  });
  return { spec, notes: notesOn(file) };
}

const styles = {
  INSTRUCTION_TUNING: { format: "instruction", parts: ["instruction", "input", "output"] },
  CHAT_COMPLETION: { format: "chat", parts: ["system", "user", "assistant"] },
  TEXT_COMPLETION: { format: "text", parts: ["text"] },
} as const;

const style = z.enum(["INSTRUCTION_TUNING", "CHAT_COMPLETION", "TEXT_COMPLETION"]);

const fieldName = z.string().min(1, "expected the name of a field").optional();

const fieldMapping = z.strictObject({
  instruction_field: fieldName,
  input_field: fieldName,
  output_field: fieldName,
  system_field: fieldName,
  user_field: fieldName,
  assistant_field: fieldName,
  text_field: fieldName,
});

const weighting = z.strictObject({
  enable_weights: z.boolean().optional(),
  weight_field: z.string().optional(),
  default_weight: z.number().optional(),
  auto_weight_by_length: z.boolean().optional(),
  auto_weight_by_freshness: z.boolean().optional(),
  timestamp_field: z.string().optional(),
});

const structuredGeneration = z.strictObject({
  enable_schema_validation: z.boolean().optional(),
  reject_invalid_samples: z.boolean().optional(),
  json_schema: z.string().optional(),
});

const exportOptions = {
  output_path: z.string().optional(),
  progress_callback: z.unknown().optional(),
  continue_on_error: z.boolean().optional(),
  max_errors: z.uint32().optional(),
};

const configuration = z.strictObject({
  style: style.default("INSTRUCTION_TUNING"),
  field_mapping: fieldMapping.optional(),
  weighting: weighting.optional(),
  quality: qualityFields.optional(),
  include_metadata: z.boolean().optional(),
  metadata_fields: z.array(z.string()).optional(),
  structured_gen: structuredGeneration.optional(),
  quality_metrics: z
    .strictObject({
      enable_metrics: z.boolean().optional(),
      track_schema_compliance: z.boolean().optional(),
      track_length_distribution: z.boolean().optional(),
    })
    .optional(),
  adapter_metadata: anyObject.optional(),
  ...exportOptions,
  options: z.strictObject(exportOptions).optional(),
});

type Configuration = Omit<z.output<typeof configuration>, "options">;

function mappingOf({ style: name, field_mapping: fields = {} }: Configuration): Record<string, PartSource> {
  const mapping: Record<string, PartSource> = {};
  for (const part of styles[name].parts) {
    const value = fields[`${part}_field`];
    if (value !== undefined) {
      mapping[part] = { source: { $case: "field", value } };
    }
  }
  return mapping;
}

function weightingOf(weights: z.output<typeof weighting>) {
  if (weights.enable_weights === false) {
    return undefined;
  }
  return {
    weightField: weights.weight_field ?? "importance",
    defaultWeight: weights.default_weight,
    autoWeightByLength: weights.auto_weight_by_length ?? false,
    freshness:
      weights.auto_weight_by_freshness === true ? { timestampField: weights.timestamp_field ?? "" } : undefined,
  };
}

function schemaOf(structured: z.output<typeof structuredGeneration>) {
  const { enable_schema_validation: enabled, json_schema: jsonSchema, reject_invalid_samples: reject } = structured;
  if (enabled === true && jsonSchema === undefined) {
    throw new InputError("The exporter configuration cannot be used:\n  structured_gen.json_schema: is missing");
  }
  return enabled === false || jsonSchema === undefined
    ? undefined
    : { jsonSchema, keepInvalidSamples: reject === false };
}

function notesOn(file: Configuration): string[] {
  return [
    ...notesOnMapping(file),
    ...notesOnWeighting(file.weighting ?? {}),
    ...notesOnOptions(file),
    file.structured_gen?.enable_schema_validation === false &&
      file.structured_gen.json_schema !== undefined &&
      "structured_gen.json_schema is left out: enable_schema_validation is false.",
    file.include_metadata === false &&
      file.metadata_fields !== undefined &&
      "metadata_fields is left out: include_metadata is false.",
    file.include_metadata === true &&
      file.metadata_fields === undefined &&
      "include_metadata needs metadata_fields: samples carry no metadata.",
    file.quality_metrics !== undefined &&
      "quality_metrics is no part of a dataset: every snapshot counts samples, rejects and schema failures; lengths are not distributed.",
  ].filter((note) => note !== false);
}

function notesOnMapping({ style: name, field_mapping: fields = {} }: Configuration): string[] {
  const used: readonly string[] = styles[name].parts.map((part) => `${part}_field`);
  return Object.keys(fields)
    .filter((key) => !used.includes(key))
    .map((key) => `field_mapping.${key} is left out: ${name} does not use it.`);
}

function notesOnWeighting(weights: z.output<typeof weighting>): (string | false)[] {
  const { enable_weights: enabled, ...others } = weights;
  if (enabled === false) {
    return Object.keys(others).map((key) => `weighting.${key} is left out: enable_weights is false.`);
  }
  return [
    others.timestamp_field !== undefined &&
      others.auto_weight_by_freshness !== true &&
      "weighting.timestamp_field is left out: auto_weight_by_freshness is off.",
  ];
}

function notesOnOptions({ output_path: path, progress_callback: callback }: Configuration): (string | false)[] {
  return [
    path !== undefined && `output_path is no part of a dataset: loraloop stream NAME --output ${path} writes the file.`,
    callback !== undefined && "progress_callback is no part of a dataset: loraloop stream shows its progress.",
  ];
}
