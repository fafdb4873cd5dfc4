import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Client, DatasetSpec } from "../../clients/typescript/src/index.ts";
import { startTestServer } from "../support/server.ts";

const plugin = `export default {
  format: "question-pairs",
  parts: [
    { name: "first", type: "text", required: true },
    { name: "second", type: "text", required: true },
    { name: "nothing", type: "text", required: false },
  ],
  sample({ first, second, nothing }) {
    return { value: nothing === undefined ? { pair: [first, second] } : {}, output: second };
  },
};
`;

test("a file in a folder adds a format, and everything that formats have", async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "loraloop-plugins-"));
  stack.defer(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "question-pairs.mjs"), plugin);
  await using server = await startTestServer({ configuration: { plugins_directory: folder } });
  await using client = new Client({ address: server.address, token: server.token });
  const records = [
    { first: "Why?", second: "How?", topic: "x" },
    { first: "Why?", second: "How?" },
    { first: "Why?" },
    { first: "Why?", second: "When?", nothing: "n" },
  ];
  await client.ingest(
    "pairs",
    records.map((fields, number) => ({ id: String(number), fieldsJson: JSON.stringify(fields) })),
  );
  const value = DatasetSpec.fromPartial({
    collection: "pairs",
    format: "question-pairs",
    weighting: { autoWeightByLength: true },
    quality: { skipDuplicates: true },
    metadataFields: ["topic"],
  });
  const stream = client.stream({ source: { $case: "spec", value } });
  const lines = Buffer.concat(await Array.fromAsync(stream.batches(), (batch) => batch.ndjson())).toString();
  expect(lines).toBe('{"pair":["Why?","How?"],"metadata":{"topic":"x"},"weight":1.002}\n{"weight":1.0025}\n');
  expect(stream.statistics?.errors).toEqual([
    "Entity 1: Duplicate of an earlier sample",
    "Entity 2: Missing required field 'second'",
  ]);
});
