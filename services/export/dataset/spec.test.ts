import { expect, test } from "vitest";
import { DatasetSpec, type DeepPartial } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { ServiceError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";
import { exporters, fieldsOf } from "../rendering/rendering-fixture.ts";
import { normalise, specDigest, validate } from "./spec.ts";

const base = { collection: "faq", format: "instruction" };

function problem(spec: DeepPartial<DatasetSpec>): string {
  try {
    validate(DatasetSpec.fromPartial({ ...base, ...spec }), exporters);
  } catch (error) {
    expect(error).toBeInstanceOf(ServiceError);
    return `${(error as ServiceError).reason} ${(error as Error).message}`;
  }
  return "fine";
}

const splitsOf = (...parts: [string, number][]) => ({ parts: parts.map(([name, percent]) => ({ name, percent })) });

const hex = (spec: DeepPartial<DatasetSpec>) => Buffer.from(specDigest(DatasetSpec.fromPartial(spec))).toString("hex");

test.for([
  [{}, "fine"],
  [{ collection: "" }, "DATASET_INVALID collection is missing."],
  [{ collection: "FAQ" }, "DATASET_INVALID collection is no name of a collection."],
  [{ format: "alpaca" }, 'FORMAT_UNKNOWN There is no format "alpaca"; there are instruction, chat'],
  [
    { mapping: fieldsOf({ outptu: "a" }) },
    "DATASET_INVALID mapping.outptu is no part of the format instruction; it has instruction, input, output.",
  ],
  [{ mapping: fieldsOf({ output: "a..b" }) }, "DATASET_INVALID mapping.output.field has an empty step."],
  [{ mapping: fieldsOf({ output: "" }) }, "DATASET_INVALID mapping.output.field is empty."],
  [{ mapping: { output: {} } }, "DATASET_INVALID mapping.output has neither field nor template."],
  [
    { mapping: { output: { source: { $case: "template", value: "a {{b" } } } },
    "DATASET_INVALID mapping.output.template has a {{ without }}.",
  ],
  [
    { mapping: { output: { source: { $case: "template", value: "{{}}" } } } },
    'DATASET_INVALID mapping.output.template has the path "", which is empty.',
  ],
  [
    { format: "kto", mapping: { label: { source: { $case: "template", value: "x" } } } },
    "DATASET_INVALID mapping.label.template cannot be used",
  ],
  [
    { selection: { conditions: [{ field: "a", values: [] }] } },
    "DATASET_INVALID selection.conditions[0].values are missing",
  ],
  [
    { selection: { conditions: [{ field: "", values: ["a"] }] } },
    "DATASET_INVALID selection.conditions[0].field is empty.",
  ],
  [
    { selection: { timeRange: { field: "a" } } },
    "DATASET_INVALID selection.time_range has neither start_time nor end_time.",
  ],
  [
    { selection: { timeRange: { startTime: { seconds: 5n }, endTime: { seconds: 5n } } } },
    "DATASET_INVALID selection.time_range.end_time is not after start_time.",
  ],
  [
    { selection: { timeRange: { startTime: { seconds: 1n << 60n } } } },
    "FIELD_INVALID selection.time_range.start_time",
  ],
  [{ selection: { minQualityScore: 1.5 } }, "DATASET_INVALID selection.min_quality_score is 1.5; expected 0 to 1."],
  [{ selection: { minQualityScore: Number.NaN } }, "DATASET_INVALID selection.min_quality_score is NaN"],
  [{ selection: { filter: "record.a ==" } }, "FILTER_INVALID selection.filter cannot be read"],
  [{ weighting: { defaultWeight: -1 } }, "DATASET_INVALID weighting.default_weight is -1; expected 0 to 4000."],
  [{ weighting: { freshness: { windowDays: 0 } } }, "DATASET_INVALID weighting.freshness.window_days is 0"],
  [
    { weighting: { freshness: { maxBonus: Number.POSITIVE_INFINITY } } },
    "DATASET_INVALID weighting.freshness.max_bonus",
  ],
  [
    { quality: { minTextLength: 5, maxTextLength: 4 } },
    "DATASET_INVALID quality.min_text_length (5) is more than max_text_length (4).",
  ],
  [{ quality: { minTextLength: 5 } }, "fine"],
  [{ schemaValidation: {} }, "DATASET_INVALID schema_validation.json_schema is missing."],
  [{ metadataFields: ["a", "b", "a"] }, 'DATASET_INVALID metadata_fields[2] names "a" again.'],
  [{ adapterMetadataJson: "[]" }, "DATASET_INVALID adapter_metadata_json is no JSON object."],
  [{ adapterMetadataJson: '{"a":1}' }, "fine"],
  [{ splits: splitsOf(["train", 90], ["validation", 10]) }, "fine"],
  [{ splits: {} }, "DATASET_INVALID splits.parts are missing."],
  [{ splits: splitsOf(["a", 90], ["b", 9]) }, "DATASET_INVALID splits.parts have 99 percent together; expected 100."],
  [{ splits: splitsOf(["a", 100], ["b", 1]) }, "DATASET_INVALID splits.parts have 101 percent together; expected 100."],
  [{ splits: splitsOf(["a", 100], ["b", 0]) }, "DATASET_INVALID splits.parts[1].percent is 0; expected 1 to 100."],
  [{ splits: splitsOf(["a", 50], ["a", 50]) }, 'DATASET_INVALID splits.parts[1].name names "a" again.'],
  [{ splits: splitsOf(["", 100]) }, 'DATASET_INVALID splits.parts[0].name is no name: ""; expected [a-z]'],
  [{ splits: splitsOf(["Train", 100]) }, 'DATASET_INVALID splits.parts[0].name is no name: "Train"; expected [a-z]'],
  [
    { splits: { ...splitsOf(["a", 100]), selected: "a" } },
    "DATASET_INVALID splits.selected is set by the server; name a part as the split of the source.",
  ],
] as const)("%#", ([spec, expected]) => {
  expect(problem(spec as DeepPartial<DatasetSpec>)).toContain(expected);
});

test("a part named __proto__ is refused, also as it arrives from the wire", () => {
  const mapping = JSON.parse('{"__proto__":{"source":{"$case":"field","value":"a"}}}') as DatasetSpec["mapping"];
  const sent = DatasetSpec.encode({ ...DatasetSpec.fromPartial(base), mapping }).finish();
  expect(() => validate(DatasetSpec.decode(sent), exporters)).toThrow("mapping.__proto__ is no part of any format");
});

test("dataset_bytes is inclusive", () => {
  const sized = (bytes: number) => {
    const empty = DatasetSpec.encode(DatasetSpec.fromPartial({ ...base, adapterMetadataJson: '{"a":""}' })).finish()
      .length;
    // Two more bytes of length for a text over 16 KiB.
    return { adapterMetadataJson: JSON.stringify({ a: "x".repeat(bytes - empty - 2) }) };
  };
  expect(problem(sized(limits.dataset_bytes))).toBe("fine");
  expect(problem(sized(limits.dataset_bytes + 1))).toContain(
    "LIMIT_EXCEEDED The size of the spec is 262145; the limit dataset_bytes is 262144.",
  );
});

test("equal recipes have one digest, others have others", () => {
  const ab = { ...base, mapping: fieldsOf({ instruction: "a", output: "b" }) };
  const ba = { ...base, mapping: fieldsOf({ output: "b", instruction: "a" }) };
  expect(hex(ab)).toBe(hex(ba));
  expect(hex({ ...ab, selection: {}, quality: {}, errorHandling: {} })).toBe(hex(ab));
  expect(hex({ ...ab, weighting: {} })).not.toBe(hex(ab));
  expect(hex({ ...ab, errorHandling: { maxErrors: 0 } })).not.toBe(hex(ab));
  // SHA-256 of the bytes 0a 03 "faq" 1a 0b "instruction".
  expect(hex(base)).toBe("ab2c72d1e3174906f08bbabeed89e6b7beb948919c99e00b4bbfff6d247087af");
});

test("the canonical form is its own canonical form, over the wire too", () => {
  const spec = DatasetSpec.fromPartial({ ...base, mapping: fieldsOf({ output: "b", input: "c" }), quality: {} });
  const canonical = normalise(spec);
  const received = DatasetSpec.decode(DatasetSpec.encode(canonical).finish());
  expect(normalise(received)).toEqual(canonical);
  expect(specDigest(received)).toEqual(specDigest(spec));
});
