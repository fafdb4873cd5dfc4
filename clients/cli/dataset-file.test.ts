import { expect, test } from "vitest";
import { DatasetSpec } from "../../proto/gen/loraloop/export/v1/dataset.ts";
import { parseDatasetFile } from "./dataset-file.ts";
import { InputError } from "./failure.ts";

function problemsOf(file: string): string {
  try {
    parseDatasetFile(file, "file.json");
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as Error).message;
  }
  throw new Error("The file was accepted.");
}

test("every field of a spec can be written", () => {
  const file = {
    collection: "faq",
    format: "instruction",
    mapping: { instruction: "question", input: { field: "meta.context" }, output: { template: "{{a}}!" } },
    selection: {
      conditions: [{ field: "year", values: [2020, "2021", true] }],
      time_range: { field: "date", start_time: "2020-01-01", end_time: "2020-02-01T00:00:00.5+01:00" },
      filter: "record.x == 'y'",
      min_quality_score: 0.5,
    },
    weighting: {
      weight_field: "w",
      default_weight: 0.5,
      auto_weight_by_length: true,
      freshness: { timestamp_field: "date", max_bonus: 1, window_days: 30 },
    },
    quality: { min_text_length: 1, max_text_length: 9, skip_empty_outputs: true, skip_duplicates: true },
    schema_validation: { json_schema: { type: "object" }, keep_invalid_samples: true },
    metadata_fields: ["source"],
    error_handling: { stop_on_error: true, max_errors: 3 },
    adapter_metadata: { adapter_id: "a", unknown: [1] },
    splits: {
      parts: [
        { name: "train", percent: 90 },
        { name: "validation", percent: 10 },
      ],
      salt: "s",
    },
  };
  expect(parseDatasetFile(JSON.stringify(file))).toEqual(
    DatasetSpec.fromPartial({
      collection: "faq",
      format: "instruction",
      mapping: {
        instruction: { source: { $case: "field", value: "question" } },
        input: { source: { $case: "field", value: "meta.context" } },
        output: { source: { $case: "template", value: "{{a}}!" } },
      },
      selection: {
        conditions: [{ field: "year", values: ["2020", "2021", "true"] }],
        timeRange: {
          field: "date",
          startTime: { seconds: 1_577_836_800n, nanos: 0 },
          endTime: { seconds: 1_580_511_600n, nanos: 500_000_000 },
        },
        filter: "record.x == 'y'",
        minQualityScore: 0.5,
      },
      weighting: {
        weightField: "w",
        defaultWeight: 0.5,
        autoWeightByLength: true,
        freshness: { timestampField: "date", maxBonus: 1, windowDays: 30 },
      },
      quality: { minTextLength: 1, maxTextLength: 9, skipEmptyOutputs: true, skipDuplicates: true },
      schemaValidation: { jsonSchema: '{"type":"object"}', keepInvalidSamples: true },
      metadataFields: ["source"],
      errorHandling: { stopOnError: true, maxErrors: 3 },
      adapterMetadataJson: '{"adapter_id":"a","unknown":[1]}',
      splits: {
        parts: [
          { name: "train", percent: 90 },
          { name: "validation", percent: 10 },
        ],
        salt: "s",
      },
    }),
  );
});

test("what is absent is absent", () => {
  const spec = parseDatasetFile('{"collection":"c","format":"text"}');
  expect(spec).toEqual(DatasetSpec.fromPartial({ collection: "c", format: "text" }));
});

test("a schema and a metadata object keep what they hold", () => {
  const schema = '{"properties":{"__proto__":{"type":"string"}},"required":["__proto__"]}';
  const file = `{"collection":"c","format":"text","schema_validation":{"json_schema":${schema}},"adapter_metadata":{"__proto__":1}}`;
  expect(parseDatasetFile(file)).toMatchObject({
    schemaValidation: { jsonSchema: schema },
    adapterMetadataJson: '{"__proto__":1}',
  });
});

test.for([
  ['{"format":"text"}', "collection: expected string, received undefined"],
  ['{"collection":"c","format":"text","colection":1}', "colection: unknown key"],
  ['{"collection":"c","format":"text","quality":{"min_length":1}}', "quality.min_length: unknown key"],
  ['{"collection":"c","format":"text","quality":{"min_text_length":"5"}}', "quality.min_text_length: expected number"],
  ['{"collection":"c","format":"text","quality":{"min_text_length":-5}}', "quality.min_text_length: "],
  ['{"collection":"c","format":"text","mapping":{"text":{"fild":"x"}}}', "mapping.text.fild: unknown key"],
  ['{"collection":"c","format":"text","mapping":{"text":{}}}', "mapping.text: expected either field or template"],
  ['{"collection":"c","format":"text","mapping":{"text":7}}', "mapping.text: expected object, received number"],
  ['{"collection":"c","format":"text","mapping":{"__proto__":"x"}}', "mapping.__proto__: unknown key"],
  ['{"collection":"c","format":"text","__proto__":{"x":1}}', "__proto__: unknown key"],
  [
    '{"collection":"c","format":"text","selection":{"conditions":[{"field":"a","values":[null]}]}}',
    "selection.conditions[0].values[0]: expected a string, number or boolean",
  ],
  [
    '{"collection":"c","format":"text","selection":{"time_range":{"start_time":"yesterday"}}}',
    "selection.time_range.start_time: expected an ISO 8601 date or time",
  ],
  [
    '{"collection":"c","format":"text","splits":{"parts":[{"name":"a","percent":"1"}]}}',
    "splits.parts[0].percent: expected number",
  ],
  ['{"collection":"c","format":"text","splits":{"parts":[],"selected":"a"}}', "splits.selected: unknown key"],
  ['{"collection":"c",', "file.json is no JSON"],
  ["[]", "the file: expected object, received array"],
] as const)("%s: %s", ([file, problem]) => {
  expect(problemsOf(file)).toContain(problem);
});

test("all problems are told at once", () => {
  const message = problemsOf('{"collection":1,"formt":"text","format":"text"}');
  expect(message.split("\n")).toHaveLength(3);
});
