import { z } from "zod";
import { DatasetSpec } from "../../proto/gen/loraloop/export/v1/dataset.ts";
import { parseTimestamp } from "../../services/export/rendering/timestamp.ts";
import { toTimestamp } from "../../services/kit/timestamp.ts";
import { qualityFields } from "./quality-fields.ts";
import { readText } from "./read-text.ts";
import { anyObject, parseStrict } from "./strict-json.ts";

/** Reads a dataset file. Rejects with InputError, naming file and keys. */
export async function readDatasetFile(file: string): Promise<DatasetSpec> {
  return parseDatasetFile(await readText(file), file);
}

/**
 * Parses a dataset file: the fields of `DatasetSpec` in snake_case as JSON. Shorter ways to write it: `"output": "answer"` in `mapping` for a field,
 * numbers and booleans in `values`, times as ISO 8601, and objects for `json_schema` and `adapter_metadata`. Throws InputError.
 */
export function parseDatasetFile(text: string, what = "The dataset file"): DatasetSpec {
  const { adapter_metadata: adapterMetadata, ...file } = parseStrict(datasetFile, text, what);
  return DatasetSpec.fromPartial({
    collection: file.collection,
    format: file.format,
    mapping: file.mapping,
    selection: file.selection && selectionOf(file.selection),
    weighting: file.weighting && weightingOf(file.weighting),
    quality: file.quality,
    schemaValidation: file.schema_validation && {
      jsonSchema: file.schema_validation.json_schema,
      keepInvalidSamples: file.schema_validation.keep_invalid_samples,
    },
    metadataFields: file.metadata_fields,
    errorHandling: file.error_handling && {
      stopOnError: file.error_handling.stop_on_error,
      maxErrors: file.error_handling.max_errors,
    },
    splits: file.splits,
    adapterMetadataJson: adapterMetadata === undefined ? "" : JSON.stringify(adapterMetadata),
  });
}

const time = z.string().transform((text, context) => {
  const micros = parseTimestamp(text);
  if (micros === undefined) {
    context.addIssue("expected an ISO 8601 date or time, e.g. 2026-01-31 or 2026-01-31T12:00:00Z");
    return z.NEVER;
  }
  return toTimestamp(micros);
});

const partSource = z.preprocess(
  (value) => (typeof value === "string" ? { field: value } : value),
  z
    .strictObject({ field: z.string().optional(), template: z.string().optional() })
    .transform(({ field, template }, context) => {
      if ((field === undefined) === (template === undefined)) {
        context.addIssue("expected either field or template");
        return z.NEVER;
      }
      const source =
        field === undefined
          ? { $case: "template" as const, value: template ?? "" }
          : { $case: "field" as const, value: field };
      return { source };
    }),
);

const mapping = z.preprocess(
  (value, context) => {
    if (typeof value === "object" && value !== null && Object.hasOwn(value, "__proto__")) {
      context.addIssue({ code: "unrecognized_keys", keys: ["__proto__"], input: value as Record<string, unknown> });
    }
    return value;
  },
  z.record(z.string(), partSource),
);

const conditionValue = z
  .custom<string | number | boolean>(
    (value) => ["string", "number", "boolean"].includes(typeof value),
    "expected a string, number or boolean",
  )
  .transform((value) => (typeof value === "string" ? value : JSON.stringify(value)));

const selection = z.strictObject({
  conditions: z.array(z.strictObject({ field: z.string(), values: z.array(conditionValue) })).default([]),
  time_range: z
    .strictObject({ field: z.string().default(""), start_time: time.optional(), end_time: time.optional() })
    .optional(),
  filter: z.string().default(""),
  min_quality_score: z.number().optional(),
});

const weighting = z.strictObject({
  weight_field: z.string().default(""),
  default_weight: z.number().optional(),
  auto_weight_by_length: z.boolean().default(false),
  freshness: z
    .strictObject({
      timestamp_field: z.string().default(""),
      max_bonus: z.number().optional(),
      window_days: z.number().optional(),
    })
    .optional(),
});

const schemaText = z
  .custom<string | object>(
    (value) => typeof value === "string" || anyObject.safeParse(value).success,
    "expected a JSON Schema as an object or as text",
  )
  .transform((schema) => (typeof schema === "string" ? schema : JSON.stringify(schema)));

const datasetFile = z.strictObject({
  collection: z.string(),
  format: z.string(),
  mapping: mapping.default({}),
  selection: selection.optional(),
  weighting: weighting.optional(),
  quality: qualityFields.optional(),
  schema_validation: z
    .strictObject({ json_schema: schemaText, keep_invalid_samples: z.boolean().default(false) })
    .optional(),
  metadata_fields: z.array(z.string()).default([]),
  error_handling: z
    .strictObject({ stop_on_error: z.boolean().default(false), max_errors: z.uint32().optional() })
    .optional(),
  adapter_metadata: anyObject.optional(),
  splits: z
    .strictObject({
      parts: z.array(z.strictObject({ name: z.string(), percent: z.uint32() })),
      salt: z.string().default(""),
    })
    .optional(),
});

function selectionOf({ conditions, time_range: range, filter, min_quality_score }: z.output<typeof selection>) {
  return {
    conditions,
    timeRange: range && { field: range.field, startTime: range.start_time, endTime: range.end_time },
    filter,
    minQualityScore: min_quality_score,
  };
}

function weightingOf({ weight_field, default_weight, auto_weight_by_length, freshness }: z.output<typeof weighting>) {
  return {
    weightField: weight_field,
    defaultWeight: default_weight,
    autoWeightByLength: auto_weight_by_length,
    freshness: freshness && {
      timestampField: freshness.timestamp_field,
      maxBonus: freshness.max_bonus,
      windowDays: freshness.window_days,
    },
  };
}
