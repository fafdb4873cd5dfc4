import { expect, test } from "vitest";
import { RejectReason } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { at, fieldsOf, outcomeText, rendered, rendererOf, storedRecord } from "./rendering-fixture.ts";
import { withWeight } from "./weight-text.ts";

/** The documents' own examples: what their users paste in and what they must get. */
const question = {
  pk: "qa_001",
  question: "What is the capital of France?",
  context: "France is a country in Western Europe",
  answer: "Paris is the capital of France.",
  importance: 0.9,
};
const instruction = {
  format: "instruction",
  mapping: fieldsOf({ instruction: "question", input: "context", output: "answer" }),
};

function weighted(spec: Parameters<typeof rendererOf>[0], fields: object, asOf = at("2026-01-01")): string {
  const outcome = rendererOf(spec, asOf).render("r", storedRecord(fields));
  return outcome.kind === "sample" ? withWeight(outcome.line, outcome.weightMicros) : outcomeText(outcome);
}

test("instruction tuning with an explicit weight", () => {
  expect(weighted({ ...instruction, weighting: { weightField: "importance" } }, question)).toBe(
    '{"instruction":"What is the capital of France?","input":"France is a country in Western Europe","output":"Paris is the capital of France.","weight":0.9}',
  );
});

test("chat completion", () => {
  const spec = {
    format: "chat",
    mapping: fieldsOf({ system: "system_prompt", user: "user_message", assistant: "assistant_response" }),
    weighting: { weightField: "importance" },
  };
  const fields = {
    pk: "chat_001",
    system_prompt: "You are a helpful assistant.",
    user_message: "Explain quantum computing",
    assistant_response: "Quantum computing uses quantum bits...",
    importance: 1.2,
  };
  expect(weighted(spec, fields)).toBe(
    '{"messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"Explain quantum computing"},{"role":"assistant","content":"Quantum computing uses quantum bits..."}],"weight":1.2}',
  );
});

test("text completion", () => {
  expect(rendered({ format: "text", mapping: fieldsOf({ text: "content" }) }, { content: "Long text" })).toBe(
    '{"text":"Long text"}',
  );
});

test("metadata in the order asked for; what is missing is left out; weight last", () => {
  const spec = {
    ...instruction,
    weighting: {},
    metadataFields: ["source", "category", "tags", "author"],
  };
  const fields = { question: "Q", answer: "A", tags: ["physics", "quantum"], source: "wikipedia", category: "science" };
  expect(weighted(spec, fields)).toBe(
    '{"instruction":"Q","output":"A","metadata":{"source":"wikipedia","category":"science","tags":["physics","quantum"]},"weight":1.0}',
  );
});

test("the errors of the statistics", () => {
  expect(rendered(instruction, { question: "Q" })).toBe(
    `${RejectReason.REJECT_REASON_MISSING_FIELD}: Missing required field 'output'`,
  );
  const short = { ...instruction, quality: { minTextLength: 50 } };
  expect(rendered(short, { question: "Q", answer: "short" })).toBe(
    `${RejectReason.REJECT_REASON_TEXT_TOO_SHORT}: Text too short (5 chars)`,
  );
});

test("a sample that lacks field1", () => {
  const spec = { ...instruction, schemaValidation: { jsonSchema: '{"type":"object","required":["field1"]}' } };
  expect(rendered(spec, question)).toBe(`${RejectReason.REJECT_REASON_SCHEMA_INVALID}: Missing required field: field1`);
});

test("final weight = explicit × length × freshness", () => {
  const spec = {
    ...instruction,
    weighting: { weightField: "importance", autoWeightByLength: true, freshness: { timestampField: "created_at" } },
  };
  const fields = { question: "Q", answer: "x".repeat(500), importance: 0.8, created_at: "2025-07-02T12:00:00Z" };
  // Half a window old: 0.8 × 1.25 × 1.25.
  expect(weighted(spec, fields)).toContain('"weight":1.25}');
});

test.for([
  ["a", 1.5 / 1.5],
  ["x".repeat(400), 1.2],
  ["x".repeat(1000), 1.5],
  ["x".repeat(100_000), 1.5],
  ["🦊".repeat(400), 1.2],
] as const)("weight by length counts code points up to 1.5: %#", ([answer, weight]) => {
  const spec = { ...instruction, weighting: { autoWeightByLength: true } };
  const outcome = rendererOf(spec).render("r", storedRecord({ question: "Q", answer }));
  expect(outcome).toMatchObject({ weightMicros: answer === "a" ? 1_000_500 : Math.round(weight * 1e6) });
});
