import { expect, test } from "vitest";
import { DatasetSpec } from "../../proto/gen/loraloop/export/v1/dataset.ts";
import { importExporterConfiguration } from "./exporter-configuration.ts";

function imported(configuration: object) {
  return importExporterConfiguration(JSON.stringify(configuration), "faq");
}

const field = (value: string) => ({ source: { $case: "field" as const, value } });

test("the instruction tuning example", () => {
  const { spec, notes } = imported({
    style: "INSTRUCTION_TUNING",
    field_mapping: { instruction_field: "question", input_field: "context", output_field: "answer" },
    weighting: { enable_weights: true, weight_field: "importance", default_weight: 1.0 },
  });
  expect(notes).toEqual([]);
  expect(spec).toEqual(
    DatasetSpec.fromPartial({
      collection: "faq",
      format: "instruction",
      mapping: { instruction: field("question"), input: field("context"), output: field("answer") },
      weighting: { weightField: "importance", defaultWeight: 1 },
      errorHandling: {},
    }),
  );
});

test("everything that documents 002 and 003 show", () => {
  const adapterMetadata = {
    enable_tracking: true,
    adapter_id: "legal-qa-v1",
    training_config: { lora_rank: 8, lora_alpha: 16.0, target_modules: ["q_proj"] },
    vllm_config: { enabled: true },
    something_new: { kept: true },
  };
  const { spec, notes } = imported({
    style: "CHAT_COMPLETION",
    field_mapping: { system_field: "system_prompt", user_field: "user_message", assistant_field: "assistant_response" },
    weighting: { auto_weight_by_length: true, auto_weight_by_freshness: true, timestamp_field: "created_at" },
    quality: { min_text_length: 50, max_text_length: 8192, skip_empty_outputs: true, skip_duplicates: true },
    include_metadata: true,
    metadata_fields: ["source", "category", "tags", "author"],
    structured_gen: { enable_schema_validation: true, reject_invalid_samples: true, json_schema: '{"type":"object"}' },
    quality_metrics: { enable_metrics: true, track_schema_compliance: true, track_length_distribution: true },
    adapter_metadata: adapterMetadata,
    output_path: "training_data/x.jsonl",
    progress_callback: null,
    continue_on_error: true,
    max_errors: 100,
  });
  expect(spec).toEqual(
    DatasetSpec.fromPartial({
      collection: "faq",
      format: "chat",
      mapping: {
        system: field("system_prompt"),
        user: field("user_message"),
        assistant: field("assistant_response"),
      },
      weighting: { weightField: "importance", autoWeightByLength: true, freshness: { timestampField: "created_at" } },
      quality: { minTextLength: 50, maxTextLength: 8192, skipEmptyOutputs: true, skipDuplicates: true },
      schemaValidation: { jsonSchema: '{"type":"object"}', keepInvalidSamples: false },
      metadataFields: ["source", "category", "tags", "author"],
      errorHandling: { stopOnError: false, maxErrors: 100 },
      adapterMetadataJson: JSON.stringify(adapterMetadata),
    }),
  );
  expect(notes.map((note) => note.split(" ")[0])).toEqual(["output_path", "progress_callback", "quality_metrics"]);
});

test("text completion", () => {
  const { spec } = imported({ style: "TEXT_COMPLETION", field_mapping: { text_field: "content" } });
  expect(spec).toMatchObject({ format: "text", mapping: { text: field("content") } });
});

test("enable_weights false means no weights; what it leaves out is said", () => {
  const { spec, notes } = imported({ weighting: { enable_weights: false, weight_field: "w" } });
  expect(spec.weighting).toBeUndefined();
  expect(notes).toEqual(["weighting.weight_field is left out: enable_weights is false."]);
});

test("continue_on_error false stops, also in options", () => {
  expect(imported({ options: { continue_on_error: false } }).spec.errorHandling?.stopOnError).toBe(true);
  expect(imported({}).spec.errorHandling?.stopOnError).toBe(false);
});

test("reject_invalid_samples false keeps them", () => {
  const structured = { enable_schema_validation: true, json_schema: "{}", reject_invalid_samples: false };
  expect(imported({ structured_gen: structured }).spec.schemaValidation?.keepInvalidSamples).toBe(true);
});

test("nothing is dropped in silence", () => {
  const { spec, notes } = imported({
    field_mapping: { output_field: "answer", text_field: "content" },
    weighting: { timestamp_field: "created_at" },
    include_metadata: false,
    metadata_fields: ["source"],
    structured_gen: { enable_schema_validation: false, json_schema: "{}" },
  });
  expect(spec).toMatchObject({ schemaValidation: undefined, metadataFields: [] });
  expect(notes).toEqual([
    "field_mapping.text_field is left out: INSTRUCTION_TUNING does not use it.",
    "weighting.timestamp_field is left out: auto_weight_by_freshness is off.",
    "structured_gen.json_schema is left out: enable_schema_validation is false.",
    "metadata_fields is left out: include_metadata is false.",
  ]);
});

test.for([
  [{ styl: "TEXT_COMPLETION" }, "styl: unknown key"],
  [{ style: "TEXT" }, "style: "],
  [{ weighting: { enable_weight: true } }, "weighting.enable_weight: unknown key"],
  [{ quality: { min_text_length: 0.5 } }, "quality.min_text_length: "],
  [{ field_mapping: { output_field: ["a"] } }, "field_mapping.output_field: expected string"],
  [{ structured_gen: { enable_schema_validation: true } }, "structured_gen.json_schema: is missing"],
  [{ adapter_metadata: "x" }, "adapter_metadata: expected an object"],
] as const)("%j: %s", ([configuration, problem]) => {
  expect(() => imported(configuration)).toThrow(problem);
});
