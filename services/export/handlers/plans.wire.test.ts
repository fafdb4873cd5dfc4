import { afterAll, beforeAll, expect, test } from "vitest";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import type { DeepPartial } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import {
  Compression,
  Delivery,
  ExportServiceDefinition,
  type StreamSamplesRequest,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";

const source = { source: { $case: "spec", value: { collection: "docs", format: "text" } } } as const;
let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
  const records = Array.from({ length: 20 }, (_, n) => ({
    id: `r${n}`,
    fieldsJson: `{"text":"text ${n}"}`,
  }));
  await server.client(CorpusServiceDefinition).upsertRecords({ collection: "docs", records });
});

afterAll(() => server[Symbol.asyncDispose]());

test("ExplainPlan tells plan_entries at most, for ranks that have a sample of every batch", async () => {
  const client = server.client(ExportServiceDefinition);
  const { entries } = await client.explainPlan({ source, plan: { globalBatchSize: 4 }, count: 1000, worldSize: 4 });
  expect(entries.map(({ rank }) => rank).slice(0, 8)).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
  await expect(client.explainPlan({ source, count: 1001 })).rejects.toThrow("plan_entries (1000)");
  const huge = client.explainPlan({ source, plan: { globalBatchSize: 4 }, worldSize: 4_294_967_295 });
  await expect(huge).rejects.toThrow("expected at most global_batch_size (4)");
});

test("GetPlan counts the steps of all epochs", async () => {
  const client = server.client(ExportServiceDefinition);
  const plan = { globalBatchSize: 3, dropLast: true, shuffle: {} };
  const answer = await client.getPlan({ source, plan, epochs: 5, gradientAccumulationSteps: 4 });
  expect(answer.plan).toMatchObject({ sampleCount: 18n, globalBatchCount: 6n });
  expect(answer.maxSteps).toBe(10n);
  expect(await client.getPlan({ hash: answer.plan?.hash ?? "" })).toMatchObject({ plan: { hash: answer.plan?.hash } });
  await expect(client.getPlan({ hash: "ab" })).rejects.toThrow('Plan "ab" is not known here.');
});

test("ReadBlocks takes read_blocks digests at most, all of the snapshot", async () => {
  const client = server.client(ExportServiceDefinition);
  const { plan } = await client.getPlan({ source, plan: { shuffle: {} } });
  const snapshot = plan?.sources[0]?.snapshot ?? "";
  const foreign = Buffer.alloc(32);
  const read = (count: number): Promise<unknown[]> =>
    Array.fromAsync(client.readBlocks({ snapshot, digests: Array.from({ length: count }, () => foreign) }));
  await expect(read(65)).rejects.toThrow("read_blocks (64)");
  await expect(read(64)).rejects.toThrow(`has no block ${foreign.toString("hex")}`);
});

test.each<[string, DeepPartial<StreamSamplesRequest>, string]>([
  ["an unknown delivery", { source, delivery: 9 as Delivery }, "delivery is"],
  ["an unknown compression", { source, compression: 7 as Compression }, "compression is"],
  [
    "references that are compressed",
    { source, delivery: Delivery.DELIVERY_REFERENCES, compression: Compression.COMPRESSION_ZSTD },
    "none with DELIVERY_REFERENCES",
  ],
  ["no source", {}, "source is"],
])("%s is refused", async (_, request, problem) => {
  const client = server.client(ExportServiceDefinition);
  await expect(Array.fromAsync(client.streamSamples(request))).rejects.toThrow(problem);
});
