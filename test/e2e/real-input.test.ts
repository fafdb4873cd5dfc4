import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseDatasetFile } from "../../clients/cli/dataset-file.ts";
import { Client, type Sample } from "../../clients/typescript/src/index.ts";
import { parseTimestamp } from "../../services/export/rendering/timestamp.ts";
import { toTimestamp } from "../../services/kit/timestamp.ts";
import { makeDocuments } from "../data/documents.ts";
import { makeOddRecords } from "../data/odd-records.ts";
import { type Fields, readRecords, realFiles } from "../data/real-data.ts";
import { python, resultOf, root, runCommand, startProgram } from "../support/command.ts";
import { expectedSnapshot } from "../support/expected-snapshot.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import { codePoints, expectedSamples, expectedText, type Rules } from "./expected-samples.ts";

const asOf = "2026-03-01T12:00:00+00:00";

let server: LoraloopProcess;
let client: Client;

beforeAll(async () => {
  server = await LoraloopProcess.start();
  client = new Client({ address: server.address, token: await server.token() });
});

afterAll(async () => {
  client.close();
  expect(server.errors).toBe("");
  await server[Symbol.asyncDispose]();
});

const judgements = realFiles("court-decisions");
const problems = realFiles("gsm8k");

test.runIf(judgements)("court decisions as text samples by domain and date", async () => {
  const records = readRecords(judgements ?? []);
  expect(records.length).toBeGreaterThan(1000);
  const domains = ["steuerrecht", "arbeitsrecht"];
  const [start, end] = ["2010-01-01", "2017-06-30T12:00:00+02:00"];
  const spec = {
    format: "text",
    selection: {
      conditions: [
        { field: "theme", values: ["Rechtssprechung"] },
        { field: "domain", values: domains },
      ],
      time_range: { field: "created_at", start_time: start, end_time: end },
    },
    weighting: { auto_weight_by_length: true, freshness: { timestamp_field: "created_at" } },
    metadata_fields: ["court", "created_at", "missing"],
  };
  const selected = (fields: Fields): boolean => {
    const time = Date.parse(String(fields["created_at"]));
    return domains.includes(String(fields["domain"])) && time >= Date.parse(start) && time < Date.parse(end);
  };
  const statistics = await expectAllClients("court", records, spec, {
    sample: (fields) => (selected(fields) ? { text: fields["text"] } : undefined),
    output: (fields) => String(fields["text"]),
    metadata: ["court", "created_at"],
    weighted: true,
    weightByLength: true,
    freshnessField: "created_at",
    asOf,
  });
  const count = records.filter(selected).length;
  expect(count).toBeGreaterThan(100);
  expect(statistics).toMatchObject({ total_entities: count, exported_entities: count, failed_entities: 0, errors: [] });
});

test.runIf(judgements)("all court decisions", async () => {
  await expectAllClients("decisions", readRecords(judgements ?? []), { format: "text" }, { sample: textSample });
});

test.runIf(problems)("gsm8k as instruction samples with weights and a JSON Schema", async () => {
  const records = readRecords(problems ?? []);
  const longest = 400;
  const schema = {
    type: "object",
    required: ["instruction", "output"],
    properties: {
      instruction: { type: "string", pattern: "\\?|\\.", minLength: 20 },
      output: { type: "string", maxLength: longest },
    },
    additionalProperties: false,
  };
  const fits = (fields: Fields): boolean => {
    const [question, answer] = [String(fields["question"]), String(fields["answer"])];
    return /\?|\./.test(question) && codePoints(question) >= 20 && codePoints(answer) <= longest;
  };
  const spec = {
    format: "instruction",
    mapping: { instruction: "question", output: "answer" },
    weighting: { auto_weight_by_length: true },
    schema_validation: { json_schema: schema },
  };
  const statistics = await expectAllClients("gsm8k", records, spec, {
    sample: (fields) => (fits(fields) ? { instruction: fields["question"], output: fields["answer"] } : undefined),
    output: (fields) => String(fields["answer"]),
    weighted: true,
    weightByLength: true,
  });
  const kept = records.filter(fits).length;
  expect(kept).toBeLessThan(records.length);
  expect(statistics).toMatchObject({
    total_entities: records.length,
    exported_entities: kept,
    failed_entities: records.length - kept,
  });
});

const odd = makeOddRecords();
const messagesOf = (fields: Fields) => [
  { role: "system", content: "Kurz, bitte. \u2028" },
  { role: "user", content: fields["question"] },
  { role: "assistant", content: fields["text"] },
];
const answered = odd.map((fields) => ({ ...fields, messages: messagesOf(fields), label: fields.id < "b" }));

test.for<[string, readonly Fields[], object, Rules]>([
  ["documents", makeDocuments(2000), { format: "text" }, { sample: textSample }],
  [
    "odd-text",
    odd,
    { format: "text", weighting: { weight_field: "weight" }, metadata_fields: ["nested", "id", "none"] },
    { sample: textSample, weighted: true, weightField: "weight", metadata: ["nested", "id"] },
  ],
  [
    "odd-instruction",
    odd,
    {
      format: "instruction",
      mapping: { instruction: { template: "{{question}} \u2028 {{id}}" }, input: "nothing", output: "text" },
      weighting: { freshness: { timestamp_field: "created_at" } },
    },
    {
      sample: ({ id, question, text }) => ({ instruction: `${question} \u2028 ${id}`, output: text }),
      weighted: true,
      freshnessField: "created_at",
      asOf,
    },
  ],
  ["odd-chat", answered, { format: "chat" }, { sample: ({ messages }) => ({ messages }) }],
  [
    "odd-prompt-completion",
    answered,
    { format: "prompt-completion", mapping: { prompt: "question", completion: "text" } },
    { sample: ({ question, text }) => ({ prompt: question, completion: text }) },
  ],
  [
    "odd-preference",
    answered,
    { format: "preference", mapping: { prompt: "question", chosen: "text", rejected: "id" } },
    { sample: ({ id, question, text }) => ({ prompt: question, chosen: text, rejected: id }) },
  ],
  [
    "odd-kto",
    answered,
    { format: "kto", mapping: { prompt: "question", completion: "text" } },
    { sample: ({ question, text, label }) => ({ prompt: question, completion: text, label }) },
  ],
])("%s", async ([name, records, spec, rules]) => {
  await expectAllClients(name, records, spec, rules);
});

function textSample({ text }: Fields): object {
  return { text };
}

/** Ingests and streams with the command line, TypeScript and Python, each for itself; returns the statistics file. */
async function expectAllClients(name: string, records: readonly Fields[], spec: object, rules: Rules): Promise<object> {
  const file = join(server.folder, `${name}.jsonl`);
  writeFileSync(file, records.map((fields) => `${JSON.stringify(fields)}\n`).join(""));
  const samples = expectedSamples(records, rules);
  const text = expectedText(samples);
  const { digest } = expectedSnapshot(samples);

  const { output, statistics } = await byCommand(name, file, spec);
  expectSameText(output, text);
  expect(statistics).toMatchObject({ bytes_written: Buffer.byteLength(text), exported_entities: samples.length });

  const typescript = await byTypeScript(name, records, spec);
  expectSameText(typescript.output, text);
  expect(typescript.samples).toEqual(
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
  );
  expect(typescript.digest).toBe(digest);

  const { output: fromPython, ...said } = await byPython(name, file, spec);
  expectSameText(fromPython, text);
  expect(said).toEqual({ kept: records.length, digest });
  return statistics;
}

/** A difference of megabytes is not printed whole. */
function expectSameText(actual: Buffer, expected: string): void {
  if (actual.equals(Buffer.from(expected))) return;
  expect(actual.toString().split("\n")).toEqual(expected.split("\n"));
  throw new Error("The bytes differ.");
}

async function byCommand(name: string, file: string, spec: object): Promise<{ output: Buffer; statistics: object }> {
  const options = { env: server.environment, cwd: server.folder };
  const [specFile, output, statistics] = [`${name}.spec.json`, `${name}.out`, `${name}.stats.json`];
  writeFileSync(join(server.folder, specFile), JSON.stringify({ collection: `${name}-command`, ...spec }));
  for (const args of [
    ["ingest", `${name}-command`, file, "--id-field", "id"],
    ["dataset", "put", name, specFile],
    ["stream", name, "--as-of", asOf, "--output", output, "--stats-json", statistics, "--batch-size", "7"],
  ]) {
    expect(await runCommand(args, options)).toMatchObject({ code: 0 });
  }
  return {
    output: readFileSync(join(server.folder, output)),
    statistics: JSON.parse(readFileSync(join(server.folder, statistics), "utf8")) as object,
  };
}

async function byTypeScript(name: string, records: readonly Fields[], spec: object) {
  const collection = `${name}-typescript`;
  const { keptCount } = await client.ingest(
    collection,
    records.map((fields) => ({ id: fields.id, fieldsJson: JSON.stringify(fields) })),
  );
  expect(keptCount).toBe(records.length);
  const value = parseDatasetFile(JSON.stringify({ collection, ...spec }));
  const source = { source: { $case: "spec", value }, asOf: toTimestamp(parseTimestamp(asOf) ?? 0n) } as const;
  const stream = client.stream(source);
  const batches = await Array.fromAsync(stream.batches(), (batch) => batch.ndjson());
  const samples: Sample[] = await Array.fromAsync(client.stream(source));
  return { output: Buffer.concat(batches), samples, digest: Buffer.from(stream.snapshotDigest ?? []).toString("hex") };
}

async function byPython(name: string, file: string, spec: object) {
  const specFile = join(server.folder, `${name}.python.json`);
  writeFileSync(specFile, JSON.stringify({ collection: `${name}-python`, ...spec }));
  const outputFile = join(server.folder, `${name}.python.out`);
  const args = [join(root, "test/e2e/run_client.py"), file, specFile, asOf, outputFile];
  const result = await resultOf(startProgram(python, args, { env: server.environment }));
  expect(result).toMatchObject({ code: 0, stderr: "" });
  return { output: readFileSync(outputFile), ...(JSON.parse(result.stdout) as { kept: number; digest: string }) };
}
