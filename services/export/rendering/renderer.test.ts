import { expect, test } from "vitest";
import { RejectReason } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { limits } from "../../kit/limits.ts";
import { isError } from "./rejection.ts";
import { at, exporters, fieldsOf, rendered, rendererOf, storedRecord } from "./rendering-fixture.ts";

const R = RejectReason;

test.for([
  ["instruction", { instruction: "i", input: " \n", output: "o", other: 1 }, '{"instruction":"i","output":"o"}'],
  ["instruction", { output: "o", instruction: "i", input: null }, '{"instruction":"i","output":"o"}'],
  ["instruction", { instruction: "", output: "" }, '{"instruction":"","output":""}'],
  [
    "instruction",
    { instruction: null, output: "o" },
    `${R.REJECT_REASON_MISSING_FIELD}: Missing required field 'instruction'`,
  ],
  [
    "instruction",
    { instruction: "i", output: 5 },
    `${R.REJECT_REASON_WRONG_TYPE}: Field 'output' must be text, not a number: 5`,
  ],
  [
    "instruction",
    { instruction: "i", input: ["x"], output: "o" },
    `${R.REJECT_REASON_WRONG_TYPE}: Field 'input' must be text, not a list: ["x"]`,
  ],
  ["text", { text: 'ü "🦊"\n' }, '{"text":"ü \\"🦊\\"\\n"}'],
  ["prompt-completion", { completion: "c", prompt: "p" }, '{"prompt":"p","completion":"c"}'],
  ["preference", { rejected: "r", chosen: "c", prompt: "p" }, '{"prompt":"p","chosen":"c","rejected":"r"}'],
  ["kto", { prompt: "p", completion: "c", label: false }, '{"prompt":"p","completion":"c","label":false}'],
  [
    "kto",
    { prompt: "p", completion: "c", label: "yes" },
    `${R.REJECT_REASON_WRONG_TYPE}: Field 'label' must be true or false, not text: "yes"`,
  ],
  ["kto", { prompt: "p", completion: "c" }, `${R.REJECT_REASON_MISSING_FIELD}: Missing required field 'label'`],
] as const)("%s of %j", ([format, fields, expected]) => {
  expect(rendered({ format }, fields)).toBe(expected);
});

test("dotted paths, list places and own properties only", () => {
  const mapping = fieldsOf({ instruction: "meta.title", input: "list.1", output: "constructor" });
  const json = '{"meta":{"title":"t"},"list":["a","b"],"constructor":"own","__proto__":{"x":"y"}}';
  const spec = { format: "instruction", mapping, metadataFields: ["__proto__.x", "toString", "list.length", "meta"] };
  expect(rendered(spec, json)).toBe(
    '{"instruction":"t","input":"b","output":"own","metadata":{"__proto__.x":"y","meta":{"title":"t"}}}',
  );
  const inherited = { format: "text", mapping: fieldsOf({ text: "__proto__.constructor.name" }) };
  expect(rendered(inherited, {})).toBe(`${R.REJECT_REASON_MISSING_FIELD}: Missing required field 'text'`);
});

test("templates print text as it is and everything else as JSON", () => {
  const template = (value: string) => ({
    format: "text",
    mapping: { text: { source: { $case: "template" as const, value } } },
  });
  expect(rendered(template("{{a}}: {{ b.c }}, {{d}} {e}"), { a: "x", b: { c: 1.5 }, d: [true, "y"] })).toBe(
    '{"text":"x: 1.5, [true,\\"y\\"] {e}"}',
  );
  expect(rendered(template("{{a}}{{b}}"), { a: "x", b: null })).toBe(
    `${R.REJECT_REASON_TEMPLATE_FAILED}: Template of 'text' names the missing field 'b'`,
  );
});

test("metadata: null is printed, missing is not, nothing at all is no key", () => {
  const spec = { format: "text", metadataFields: ["a", "b"] };
  expect(rendered(spec, { text: "t", a: null })).toBe('{"text":"t","metadata":{"a":null}}');
  expect(rendered(spec, { text: "t" })).toBe('{"text":"t"}');
});

test("lengths are code points and both bounds are inclusive", () => {
  const spec = { format: "text", quality: { minTextLength: 2, maxTextLength: 3 } };
  const lengths = ["🦊", "🦊🦊", "🦊🦊🦊", "🦊🦊🦊🦊"].map((text) => rendered(spec, { text }));
  expect(lengths[0]).toBe(`${R.REJECT_REASON_TEXT_TOO_SHORT}: Text too short (1 chars)`);
  expect(lengths[1]).toContain("text");
  expect(lengths[2]).toContain("text");
  expect(lengths[3]).toBe(`${R.REJECT_REASON_TEXT_TOO_LONG}: Text too long (4 chars)`);
});

test("an empty output is rejected only where asked", () => {
  const spec = { format: "text", quality: { skipEmptyOutputs: true } };
  expect(rendered(spec, { text: " \t\u00a0" })).toBe(`${R.REJECT_REASON_EMPTY_OUTPUT}: Empty output`);
  expect(rendered({ format: "text" }, { text: " " })).toBe('{"text":" "}');
});

test.for([
  [{ weightField: "w" }, { w: "0.9" }, `${R.REJECT_REASON_WEIGHT_INVALID}: Weight field 'w' is no number: "0.9"`],
  [{ weightField: "w" }, { w: -0.1 }, `${R.REJECT_REASON_WEIGHT_INVALID}: Weight -0.1 is outside 0 to 4000`],
  [{ weightField: "w" }, { w: 4000.1 }, `${R.REJECT_REASON_WEIGHT_INVALID}: Weight 4000.1 is outside 0 to 4000`],
  [{ weightField: "w" }, { w: 1e300 }, `${R.REJECT_REASON_WEIGHT_INVALID}: Weight 1e+300 is outside 0 to 4000`],
  [
    { freshness: { timestampField: "t" } },
    { t: "yesterday" },
    `${R.REJECT_REASON_TIMESTAMP_INVALID}: Field 't' is no ISO 8601 date or time: "yesterday"`,
  ],
  [
    { freshness: { timestampField: "t" } },
    { t: 1_700_000_000 },
    `${R.REJECT_REASON_TIMESTAMP_INVALID}: Field 't' is no ISO 8601 date or time: 1700000000`,
  ],
] as const)("bad weights are rejected: %j %j", ([weighting, fields, problem]) => {
  expect(rendered({ format: "text", weighting }, { text: "t", ...fields })).toBe(problem);
});

test.for([
  [{}, {}, 1_000_000],
  [{ defaultWeight: 0.25 }, {}, 250_000],
  [{ weightField: "w", defaultWeight: 0.25 }, { w: null }, 250_000],
  [{ weightField: "w", defaultWeight: 0 }, {}, 0],
  [{ weightField: "w" }, { w: 0 }, 0],
  [{ weightField: "w" }, { w: 4000 }, 4_000_000_000],
  [{ weightField: "meta.w" }, { meta: { w: 0.0000005 } }, 1],
  [{ weightField: "w" }, { w: 0.00000049 }, 0],
  // As_of is 2026-01-01: new, one window old, older, in the future; the record's create_time is as_of.
  [{ freshness: { timestampField: "t" } }, { t: "2026-01-01" }, 1_500_000],
  [{ freshness: { timestampField: "t" } }, { t: "2025-01-01T00:00:00Z" }, 1_000_000],
  [{ freshness: { timestampField: "t" } }, { t: "1999-12-31" }, 1_000_000],
  [{ freshness: { timestampField: "t" } }, { t: "2030-01-01" }, 1_500_000],
  [{ freshness: { timestampField: "t" } }, {}, 1_500_000],
  [{ freshness: {} }, {}, 1_500_000],
  [{ freshness: { timestampField: "t", maxBonus: 2, windowDays: 10 } }, { t: "2025-12-27T00:00:00+00:00" }, 2_000_000],
] as const)("weights: %j %j", ([weighting, fields, weightMicros]) => {
  const outcome = rendererOf({ format: "text", weighting }).render("r", storedRecord({ text: "t", ...fields }));
  expect(outcome).toMatchObject({ weightMicros });
});

test("without weighting a sample counts one and no weight is explained", () => {
  const renderer = rendererOf({ format: "text" });
  expect(renderer.weighted).toBe(false);
  expect(renderer.render("r", storedRecord({ text: "t" }))).toMatchObject({ weightMicros: 1_000_000 });
  expect(renderer.explainWeight(storedRecord({ text: "t" }))).toBeUndefined();
});

test("a weight is explained by its factors", () => {
  const weighting = { weightField: "w", defaultWeight: 0.5, autoWeightByLength: true, freshness: {} };
  const record = storedRecord({ text: "🦊".repeat(200) }, { createTimeMicros: at("2025-12-31T12:00:00Z") });
  expect(rendererOf({ format: "text", weighting }).explainWeight(record)).toEqual({
    explicit: 0.5,
    defaulted: true,
    lengthFactor: 1.1,
    length: 200,
    freshnessFactor: 1 + 0.5 * (1 - 0.5 / 365),
    ageDays: 0.5,
  });
});

test("the content that duplicates share has neither metadata nor weight", () => {
  const renderer = rendererOf({ format: "text", metadataFields: ["a"], weighting: { weightField: "a" } });
  expect(renderer.render("r", storedRecord({ text: "t", a: 2 }))).toMatchObject({
    line: '{"text":"t","metadata":{"a":2}}',
    content: '{"text":"t"}',
  });
});

test("invalid samples are kept and marked where asked", () => {
  const schema = { jsonSchema: '{"properties":{"text":{"maxLength":1}}}', keepInvalidSamples: true };
  const outcome = rendererOf({ format: "text", schemaValidation: schema }).render("r", storedRecord({ text: "two" }));
  expect(outcome).toMatchObject({ kind: "sample", schemaProblem: "/text: must NOT have more than 1 characters" });
});

test("a sample over sample_bytes is rejected before it is held", () => {
  const value = "{{a}}".repeat(1000);
  const spec = { format: "text", mapping: { text: { source: { $case: "template" as const, value } } } };
  expect(rendered(spec, { a: "x".repeat(1_000_000) })).toBe(
    `${R.REJECT_REASON_EXPORTER_FAILED}: Sample larger than sample_bytes (8388608)`,
  );
  expect(rendered(spec, { a: "x".repeat(8_000) })).toMatch(/^\{"text":"x+"\}$/);
});

test("sample_bytes is inclusive and counts UTF-8", () => {
  const line = (bytes: number) => rendered({ format: "text" }, { text: "ü".repeat(50) + "x".repeat(bytes - 111) });
  expect(Buffer.byteLength(line(limits.sample_bytes))).toBe(limits.sample_bytes);
  expect(line(limits.sample_bytes + 1)).toContain("sample_bytes (8388608)");
});

test("a problem never repeats megabytes", () => {
  const schema = { jsonSchema: '{"properties":{"messages":{"items":{"additionalProperties":false}}}}' };
  const messages = [{ role: "assistant", content: "c", ["k".repeat(1_000_000)]: 1 }];
  expect(rendered({ format: "chat", schemaValidation: schema }, { messages }).length).toBeLessThan(1_100);
});

test("errors and quality rejects", () => {
  const errors = Object.values(RejectReason).filter((reason) => isError(reason));
  expect(errors).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test("an unknown format names the known ones", () => {
  expect(() => rendererOf({ format: "alpaca" })).toThrow(
    `There is no format "alpaca"; there are ${exporters.formats.join(", ")}.`,
  );
});
