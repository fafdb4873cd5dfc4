import type { Client as ServiceClient } from "nice-grpc";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client, DatasetSpec, type RecordInput, type Sample } from "../../../clients/typescript/src/index.ts";
import { ExportServiceDefinition } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { failure } from "../../../test/support/failure.ts";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";

let server: TestServer;
let client: Client;
let service: ServiceClient<typeof ExportServiceDefinition>;

const names = ["train", "validation"] as const;
const spec = DatasetSpec.fromPartial({
  collection: "notes",
  format: "text",
  metadataFields: ["number", "topic"],
  splits: {
    parts: [
      { name: "train", percent: 75 },
      { name: "validation", percent: 25 },
    ],
    salt: "s",
  },
});

/** 40 topics of up to ten records, and records without one. */
function* notes(count: number): Generator<RecordInput> {
  for (let number = 0; number < count; number += 1) {
    const topic = number % 5 === 0 ? "" : `topic ${number % 40}`;
    yield { id: `note-${number}`, fieldsJson: JSON.stringify({ text: "t", number, topic }), group: topic };
  }
}

interface Note extends Sample {
  readonly metadata: { readonly number: number; readonly topic: string };
}

async function partsOf(): Promise<readonly (readonly Note[])[]> {
  const part = async (split: string) => (await Array.fromAsync(client.stream({ dataset: "notes", split }))) as Note[];
  return Promise.all(names.map(part));
}

const numbers = (samples: readonly Note[]) => new Set(samples.map(({ metadata }) => metadata.number));

beforeAll(async () => {
  server = await startTestServer();
  client = new Client({ address: server.address, token: server.token });
  service = server.client(ExportServiceDefinition);
  await client.ingest("notes", notes(400));
  await client.export.putDataset({ name: "notes", spec });
});
afterAll(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
});

test("the parts of a dataset are disjoint, cover it, and share no group; more records move none", async () => {
  const whole = (await Array.fromAsync(client.stream("notes"))) as Note[];
  const [train, validation] = (await partsOf()) as [Note[], Note[]];
  expect(whole).toHaveLength(400);
  expect(numbers(train).size + numbers(validation).size).toBe(400);
  expect(numbers(train).union(numbers(validation))).toEqual(numbers(whole));
  expect(validation.length).toBeGreaterThan(50);
  const topics = [train, validation].map((part) => new Set(part.map(({ metadata }) => metadata.topic)));
  expect(topics[0]?.intersection(topics[1] ?? new Set())).toEqual(new Set([""]));
  await client.ingest("notes", notes(500));
  const [trainLater, validationLater] = (await partsOf()) as [Note[], Note[]];
  expect(trainLater.length + validationLater.length).toBe(500);
  expect(numbers(train).isSubsetOf(numbers(trainLater))).toBe(true);
  expect(numbers(validation).isSubsetOf(numbers(validationLater))).toBe(true);
});

test("every part has snapshots of its own, which say what they are of", async () => {
  const sources = [{ dataset: "notes" }, ...names.map((split) => ({ dataset: "notes", split }))];
  const built = await Promise.all(sources.map((source) => client.buildSnapshot(source)));
  expect(new Set(built.map(({ key }) => key)).size).toBe(3);
  expect(built.map(({ dataset, datasetVersion }) => `${dataset}@${datasetVersion}`)).toEqual(Array(3).fill("notes@1"));
  expect(built.map(({ spec: of }) => of?.splits?.selected)).toEqual(["", ...names]);
  const [, train, validation] = built.map(({ statistics }) => statistics);
  expect(train?.dropped).toEqual([{ condition: 'split = "train"', count: validation?.sampleCount }]);
  expect(validation?.dropped).toEqual([{ condition: 'split = "validation"', count: train?.sampleCount }]);
});

test("a preview shows a part; an empty part says why", async () => {
  const source = { source: { $case: "dataset", value: "notes" }, split: "validation" } as const;
  const shown = await service.previewSamples({ source, sampleCount: 3 });
  const validation = await Array.fromAsync(client.stream({ dataset: "notes", split: "validation" }));
  expect(shown.samples.map(({ line }) => JSON.parse(line))).toEqual(validation.slice(0, 3));
  await client.ingest("one", [{ id: "a", fieldsJson: '{"text":"t"}' }]);
  const one = { ...spec, collection: "one" };
  const hints = await Promise.all(
    names.map(async (split) => {
      const answer = await service.previewSamples({ source: { source: { $case: "spec", value: one }, split } });
      return answer.statistics?.hint;
    }),
  );
  expect(hints.toSorted()).toEqual([
    "",
    expect.stringMatching(/^No samples: the condition split = "\w+" dropped all 1 record\.$/),
  ]);
});

test("a resume point is of its part", async () => {
  const stream = client.stream({ dataset: "notes", split: "train" });
  for await (const _ of stream) break;
  const resume = stream.stateDict();
  const rest = await Array.fromAsync(client.stream({ dataset: "notes", split: "train" }, { resume }));
  expect(rest.length).toBe((await Array.fromAsync(client.stream({ dataset: "notes", split: "train" }))).length - 1);
  const other = Array.fromAsync(client.stream({ dataset: "notes", split: "validation" }, { resume }));
  await expect(other).rejects.toMatchObject({ reason: "RESUME_OTHER_REQUEST" });
});

test("an unknown split names the known ones", async () => {
  const ask = (value: string, split: string) =>
    failure(service.buildSnapshot({ source: { source: { $case: "dataset", value }, split } }));
  expect(await ask("notes", "test")).toMatchObject({
    reason: "FIELD_INVALID",
    message: 'source.split is "test"; expected one of train, validation.',
    fields: ["source.split"],
  });
  await service.putDataset({ name: "plain", spec: { ...spec, splits: undefined } });
  expect(await ask("plain", "train")).toMatchObject({ message: expect.stringContaining("the dataset has no splits") });
  const selected = { ...spec, splits: { ...spec.splits, selected: "train" } };
  expect(await failure(service.putDataset({ name: "bad", spec: selected }))).toMatchObject({
    reason: "DATASET_INVALID",
  });
});

test("a snapshot has no splits", async () => {
  const { key } = await client.buildSnapshot({ dataset: "notes", split: "train" });
  const source = { source: { $case: "snapshot", value: key }, split: "train" } as const;
  expect(await failure(service.streamSamples({ source }))).toMatchObject({
    reason: "FIELD_INVALID",
    fields: ["source.split"],
  });
});
