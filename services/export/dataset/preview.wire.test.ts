import type { Client } from "nice-grpc";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import {
  ExportServiceDefinition,
  type PreviewSamplesResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { RejectReason } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { failure } from "../../../test/support/failure.ts";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";
import { limits } from "../../kit/limits.ts";
import { fieldsOf } from "../rendering/rendering-fixture.ts";

let server: TestServer;
let client: Client<typeof ExportServiceDefinition>;

const spec = {
  collection: "faq",
  format: "instruction",
  mapping: fieldsOf({ instruction: "question", output: "answer" }),
};

beforeAll(async () => {
  server = await startTestServer();
  client = server.client(ExportServiceDefinition);
  const records = [
    { id: "qa_1", fieldsJson: '{"question":"Q1","answer":"Answer one","theme":"law","importance":0.9}' },
    { id: "qa_2", fieldsJson: '{"question":"Q2","theme":"law"}' },
    { id: "qa_3", fieldsJson: '{"question":"Q1","answer":"Answer one","theme":"law"}' },
    { id: "qa_4", fieldsJson: '{"question":"Q4","answer":"short","theme":"tax"}' },
    { id: "qa_5", fieldsJson: '{"question":"Q5","answer":"Answer five","theme":"tax"}' },
  ];
  await server.client(CorpusServiceDefinition).upsertRecords({ collection: "faq", records });
});
afterAll(() => server[Symbol.asyncDispose]());

function preview(changes: object, sampleCount = 0): Promise<PreviewSamplesResponse> {
  return client.previewSamples({ source: { source: { $case: "spec", value: { ...spec, ...changes } } }, sampleCount });
}

test("shows samples with the reasons for their weights, rejects with why, and statistics", async () => {
  const shown = await preview({
    weighting: { weightField: "importance", autoWeightByLength: true },
    quality: { minTextLength: 6, skipDuplicates: true },
  });
  expect(shown.samples.map(({ recordId, line, weightMicros }) => [recordId, line, weightMicros])).toEqual([
    ["qa_1", '{"instruction":"Q1","output":"Answer one","weight":0.9045}', 904_500],
    ["qa_5", '{"instruction":"Q5","output":"Answer five","weight":1.0055}', 1_005_500],
  ]);
  expect(shown.samples[0]?.weightExplanation).toEqual({
    explicit: 0.9,
    defaulted: false,
    lengthFactor: 1.005,
    length: 10,
    freshnessFactor: 1,
    ageDays: 0,
  });
  expect(shown.rejects).toEqual([
    {
      recordId: "qa_2",
      reason: RejectReason.REJECT_REASON_MISSING_FIELD,
      problem: "Missing required field 'output'",
    },
    { recordId: "qa_3", reason: RejectReason.REJECT_REASON_DUPLICATE, problem: "Duplicate of an earlier sample" },
    { recordId: "qa_4", reason: RejectReason.REJECT_REASON_TEXT_TOO_SHORT, problem: "Text too short (5 chars)" },
  ]);
  const lineBytes = shown.samples.reduce((sum, { line }) => sum + line.replace(/,"weight":[\d.]+/, "").length + 1, 0);
  expect(shown.statistics).toMatchObject({
    scannedCount: 5n,
    selectedCount: 5n,
    sampleCount: 2n,
    failedCount: 3n,
    lineBytes: BigInt(lineBytes),
    hint: "",
    errors: [
      "Entity qa_2: Missing required field 'output'",
      "Entity qa_3: Duplicate of an earlier sample",
      "Entity qa_4: Text too short (5 chars)",
    ],
  });
  expect(shown.complete).toBe(true);
});

test("ends when there are enough samples", async () => {
  const shown = await preview({}, 1);
  expect(shown.samples.map(({ recordId }) => recordId)).toEqual(["qa_1"]);
  expect(shown.samples[0]?.weightExplanation).toBeUndefined();
  expect(shown).toMatchObject({ complete: false, statistics: { scannedCount: 1n } });
  expect((await preview({}, 4)).complete).toBe(true);
});

test("a hint names the filter that removed everything", async () => {
  const selection = { conditions: [{ field: "theme", values: ["Rechtssprechung"] }] };
  const shown = await preview({ selection });
  expect(shown.samples).toEqual([]);
  expect(shown.statistics).toMatchObject({
    dropped: [{ condition: 'theme = "Rechtssprechung"', count: 5n }],
    hint: 'No samples: the condition theme = "Rechtssprechung" dropped all 5 records.',
  });
});

test("a filter that costs too much is refused with the dataset; a slow one leaves others their turns", async () => {
  const doubled = `["abcdefgh"]${".map(a,a+a)".repeat(23)}.exists(b, b.size() == 1)`;
  const costly = client.putDataset({ name: "costly", spec: { ...spec, selection: { filter: doubled } } });
  await expect(costly).rejects.toThrow("selection.filter can never be evaluated: does more work than filter_work");
  const fieldsJson = JSON.stringify({ numbers: Array.from({ length: 20_000 }, (_, number) => number) });
  const records = Array.from({ length: 20 }, (_, number) => ({ id: `slow_${number}`, fieldsJson }));
  await server.client(CorpusServiceDefinition).upsertRecords({ collection: "slow", records });
  const filter = `[1,2,3,4,5,6,7,8,9,10].exists(x, "none" in record.numbers)`;
  const begin = performance.now();
  const stall = await longestStall(() => preview({ collection: "slow", selection: { filter } }));
  expect(stall).toBeLessThan((performance.now() - begin) / 2);
});

/** Milliseconds for which nothing else had a turn. */
async function longestStall(call: () => Promise<unknown>): Promise<number> {
  let [longest, last] = [0, performance.now()];
  const look = () => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  };
  const timer = setInterval(look, 1);
  try {
    await call();
  } finally {
    clearInterval(timer);
  }
  look();
  return longest;
}

test("reads a stored dataset, at a revision and as of a time", async () => {
  await client.putDataset({ name: "aged", spec: { ...spec, weighting: { freshness: {} } } });
  const asOf = { seconds: 4_000_000_000n, nanos: 0 };
  const old = await client.previewSamples({ source: { source: { $case: "dataset", value: "aged@1" }, asOf } });
  expect(old.samples[0]?.weightMicros).toBe(1_000_000);
  const fresh = await client.previewSamples({ source: { source: { $case: "dataset", value: "aged" } } });
  expect(fresh.samples[0]?.weightMicros).toBeGreaterThan(1_499_000);
  const before = await failure(
    client.previewSamples({ source: { source: { $case: "dataset", value: "aged" }, revision: 999n } }),
  );
  expect(before).toMatchObject({ reason: "REVISION_UNKNOWN", metadata: { revision: "999" } });
});

test.for([
  [{ source: { source: { $case: "snapshot", value: "0123456789" } } }, "FIELD_INVALID"],
  [{}, "FIELD_INVALID"],
  [{ source: { source: { $case: "dataset", value: "none" } } }, "DATASET_NOT_FOUND"],
  [{ source: { source: { $case: "dataset", value: "No" } } }, "FIELD_INVALID"],
  [{ source: { source: { $case: "spec", value: { ...spec, collection: "none" } } } }, "COLLECTION_NOT_FOUND"],
  [{ source: { source: { $case: "spec", value: spec } }, sampleCount: 1001 }, "FIELD_INVALID"],
  [{ source: { source: { $case: "spec", value: spec } }, sampleCount: -1 }, "FIELD_INVALID"],
] as const)("%#", async ([request, reason]) => {
  expect(await failure(client.previewSamples(request as never))).toMatchObject({ reason });
});

test("preview_records and preview_bytes end a preview", async () => {
  const corpus = server.client(CorpusServiceDefinition);
  const nothing = { collection: "many", selection: { conditions: [{ field: "theme", values: ["x"] }] } };
  for (let first = 0; first < limits.preview_records; first += limits.chunk_records) {
    const records = Array.from({ length: limits.chunk_records }, (_, index) => ({
      id: `r${first + index}`,
      fieldsJson: "{}",
    }));
    await corpus.upsertRecords({ collection: "many", records });
  }
  expect(await preview(nothing)).toMatchObject({ complete: true, statistics: { scannedCount: 10_000n } });
  await corpus.upsertRecords({ collection: "many", records: [{ id: "z", fieldsJson: "{}" }] });
  expect(await preview(nothing)).toMatchObject({ complete: false, statistics: { scannedCount: 10_000n } });
  // Four lines of 512 KiB are preview_bytes; one byte less needs a fifth.
  for (const [collection, bytes, count] of [
    ["exact", limits.preview_bytes / 4, 4],
    ["less", limits.preview_bytes / 4 - 1, 5],
  ] as const) {
    for (const id of ["1", "2", "3", "4", "5", "6"]) {
      const fieldsJson = JSON.stringify({ text: "x".repeat(bytes - '{"text":""}'.length) });
      await corpus.upsertRecords({ collection, records: [{ id, fieldsJson }] });
    }
    const shown = await preview({ collection, format: "text", mapping: {} });
    expect(shown.samples).toHaveLength(count);
    expect(shown.complete).toBe(false);
  }
});

test("preview_samples is the most that a preview shows", async () => {
  expect((await preview({}, limits.preview_samples)).complete).toBe(true);
  expect(await failure(preview({}, limits.preview_samples + 1))).toMatchObject({
    reason: "FIELD_INVALID",
    metadata: { expected: expect.stringContaining("preview_samples") },
  });
});

test("of a line of more than preview_line_bytes the beginning is shown, up to a whole character", async () => {
  const corpus = server.client(CorpusServiceDefinition);
  const around = Buffer.byteLength('{"text":""}');
  const exact = "x".repeat(limits.preview_line_bytes - around - 2);
  const texts = { a: `${exact}é`, b: `${exact}xéé` };
  for (const [id, text] of Object.entries(texts)) {
    await corpus.upsertRecords({ collection: "long", records: [{ id, fieldsJson: JSON.stringify({ text }) }] });
  }
  const { samples } = await preview({ collection: "long", format: "text", mapping: {} });
  expect(samples.map(({ line }) => line)).toEqual([
    JSON.stringify({ text: texts.a }),
    JSON.stringify({ text: texts.b }).slice(0, -'é"}'.length),
  ]);
});

test("one sample is checked against a schema, or a dataset's", async () => {
  const jsonSchema =
    '{"type":"object","required":["instruction","output"],"additionalProperties":false,"properties":{"instruction":{},"output":{"type":"string"}}}';
  const schema = { $case: "jsonSchema" as const, value: jsonSchema };
  expect(await client.validateSample({ schema, sampleJson: '{"instruction":"i","output":"o"}' })).toEqual({
    valid: true,
    problems: [],
  });
  expect(await client.validateSample({ schema, sampleJson: '{"output":1,"weight":1}' })).toEqual({
    valid: false,
    problems: [
      { path: "", problem: "Missing required field: instruction" },
      { path: "", problem: "Unexpected field: weight" },
      { path: "/output", problem: "must be string" },
    ],
  });
  await client.putDataset({ name: "checked", spec: { ...spec, schemaValidation: { jsonSchema } } });
  const dataset = { $case: "dataset" as const, value: "checked@1" };
  const sampleJson = '{"instruction":"i","output":"o","metadata":{"a":1},"weight":1.5}';
  expect(await client.validateSample({ schema: dataset, sampleJson })).toMatchObject({ valid: true });
});

test.for([
  [{ sampleJson: "{}" }, "FIELD_INVALID"],
  [{ schema: { $case: "jsonSchema", value: "{" }, sampleJson: "{}" }, "SCHEMA_INVALID"],
  [{ schema: { $case: "jsonSchema", value: "{}" }, sampleJson: "{" }, "FIELD_INVALID"],
  [{ schema: { $case: "dataset", value: "none" }, sampleJson: "{}" }, "DATASET_NOT_FOUND"],
  [{ schema: { $case: "jsonSchema", value: "{}" }, sampleJson: `"${"x".repeat(1024 * 1024)}"` }, "LIMIT_EXCEEDED"],
] as const)("a check that cannot be made: %#", async ([request, reason]) => {
  expect(await failure(client.validateSample(request as never))).toMatchObject({ reason });
});
