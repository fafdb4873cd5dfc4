import type { Client } from "nice-grpc";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ExportServiceDefinition } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { failure } from "../../../test/support/failure.ts";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";

let server: TestServer;
let client: Client<typeof ExportServiceDefinition>;
beforeAll(async () => {
  server = await startTestServer();
  client = server.client(ExportServiceDefinition);
});
afterAll(() => server[Symbol.asyncDispose]());

const text = { collection: "faq", format: "text" };
const longer = { ...text, quality: { minTextLength: 5 } };

test("versions are counted, immutable, and equal specs are one version", async () => {
  const put = async (spec: object, expectedVersion?: number) =>
    (await client.putDataset({ name: "versions", spec, ...(expectedVersion !== undefined && { expectedVersion }) }))
      .dataset;
  expect(await put(text)).toMatchObject({ name: "versions", version: 1, spec: text });
  expect(await put({ ...text, quality: {} })).toMatchObject({ version: 1 });
  expect(await put(longer, 1)).toMatchObject({ version: 2 });
  expect(await put(longer, 1)).toMatchObject({ version: 2 });
  expect(await failure(put(text, 1))).toMatchObject({ reason: "VERSION_CONFLICT" });
  expect(await failure(put(longer, 7))).toMatchObject({ reason: "VERSION_CONFLICT" });
  expect(await put(text, 2)).toMatchObject({ version: 3 });
  const { dataset: first } = await client.getDataset({ name: "versions", version: 1 });
  const { dataset: newest } = await client.getDataset({ name: "versions" });
  expect(first?.digest).toEqual(newest?.digest);
  expect(newest).toMatchObject({ version: 3, spec: text });
  expect(newest?.createTime).toBeDefined();
  expect(await failure(client.getDataset({ name: "versions", version: 4 }))).toMatchObject({
    reason: "DATASET_NOT_FOUND",
  });
});

test("of puts at the same time each gets its own version", async () => {
  const puts = Array.from({ length: 6 }, (_, index) =>
    client.putDataset({ name: "race", spec: { ...text, quality: { minTextLength: index + 1 } } }),
  );
  const versions = (await Promise.all(puts)).map(({ dataset }) => dataset?.version);
  expect(versions.toSorted()).toEqual([1, 2, 3, 4, 5, 6]);
  const expected = Array.from({ length: 4 }, (_, index) =>
    client.putDataset({ name: "race", spec: { ...text, quality: { minTextLength: 90 + index } }, expectedVersion: 6 }),
  );
  const outcomes = await Promise.allSettled(expected);
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("a deleted dataset is gone with its versions; a later one goes on counting", async () => {
  await client.putDataset({ name: "gone", spec: text });
  await client.putDataset({ name: "gone", spec: longer });
  await client.deleteDataset({ name: "gone" });
  await client.deleteDataset({ name: "gone" });
  for (const version of [0, 1, 2]) {
    expect(await failure(client.getDataset({ name: "gone", version }))).toMatchObject({ reason: "DATASET_NOT_FOUND" });
  }
  const again = await client.putDataset({ name: "gone", spec: text, expectedVersion: 0 });
  expect(again.dataset?.version).toBe(3);
  expect(await failure(client.getDataset({ name: "gone", version: 2 }))).toMatchObject({ reason: "DATASET_NOT_FOUND" });
  expect(await failure(client.deleteDataset({ name: "never" }))).toMatchObject({ reason: "DATASET_NOT_FOUND" });
});

test("lists by name, page by page, without deleted ones", async () => {
  for (const name of ["list-c", "list-a", "list-b", "list-d"]) {
    await client.putDataset({ name, spec: text });
  }
  await client.deleteDataset({ name: "list-b" });
  const names: string[] = [];
  let pageToken = "";
  do {
    const page = await client.listDatasets({ pageSize: 1, pageToken });
    names.push(...page.datasets.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(names.filter((name) => name.startsWith("list-"))).toEqual(["list-a", "list-c", "list-d"]);
});

test.for([
  [{ name: "Bad" }, "FIELD_INVALID"],
  [{ name: "none" }, "FIELD_INVALID"],
  [{ name: "bad", spec: { ...text, format: "alpaca" } }, "FORMAT_UNKNOWN"],
  [{ name: "bad", spec: { ...text, mapping: { txt: { source: { $case: "field", value: "a" } } } } }, "DATASET_INVALID"],
  [{ name: "bad", spec: { ...text, selection: { filter: "record.a ==" } } }, "FILTER_INVALID"],
  [{ name: "bad", spec: { ...text, selection: { filter: "1 + 1" } } }, "FILTER_INVALID"],
  [{ name: "bad", spec: { ...text, schemaValidation: { jsonSchema: '{"type":"strng"}' } } }, "SCHEMA_INVALID"],
  [{ name: "bad", spec: { ...text, schemaValidation: { jsonSchema: '{"pattern":"(?=a)"}' } } }, "SCHEMA_INVALID"],
] as const)("a bad dataset changes nothing: %#", async ([request, reason]) => {
  expect(await failure(client.putDataset(request as never))).toMatchObject({ reason });
  expect(await failure(client.getDataset({ name: "bad" }))).toMatchObject({ reason: "DATASET_NOT_FOUND" });
});
