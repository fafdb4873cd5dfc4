import { type Client, Status } from "nice-grpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TokenServiceDefinition } from "../../proto/gen/loraloop/auth/v1/token_service.ts";
import { CorpusServiceDefinition } from "../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import type { ResumePoint } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { ExportServiceDefinition } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { failure } from "../../test/support/failure.ts";
import { startTestServer, type TestServer } from "../../test/support/server.ts";

interface TenantClients {
  readonly corpus: Client<CorpusServiceDefinition>;
  readonly exports: Client<ExportServiceDefinition>;
}

const dataset = { source: { $case: "dataset" as const, value: "qa" } };

describe("two tenants of one server", () => {
  let server: TestServer;
  let owner: TenantClients;
  let stranger: TenantClients;
  let snapshot: string;
  let resume: ResumePoint | undefined;

  beforeAll(async () => {
    server = await startTestServer();
    owner = await tenant("owner");
    stranger = await tenant("stranger");
    const records = [{ id: "1", fieldsJson: `{"instruction":"q","output":"a"}` }];
    await owner.corpus.upsertRecords({ collection: "faq", records });
    await owner.exports.putDataset({ name: "qa", spec: { collection: "faq", format: "instruction" } });
    for await (const { frame } of owner.exports.streamSamples({ source: dataset })) {
      if (frame?.$case === "header") ({ snapshot, resume } = frame.value);
    }
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function tenant(name: string): Promise<TenantClients> {
    const { secret } = await server
      .client(TokenServiceDefinition, server.systemToken)
      .createToken({ tenant: name, scopes: ["corpus.read", "corpus.write", "export.read", "export.write"] });
    return {
      corpus: server.client(CorpusServiceDefinition, secret),
      exports: server.client(ExportServiceDefinition, secret),
    };
  }

  test("the owner sees what he made", async () => {
    expect((await owner.corpus.getRecord({ collection: "faq", id: "1" })).record?.id).toBe("1");
    expect((await owner.exports.getSnapshot({ snapshot })).snapshot?.key).toBe(snapshot);
  });

  test("a stranger's lists are empty", async () => {
    expect((await stranger.corpus.listCollections({})).collections).toEqual([]);
    expect((await stranger.exports.listDatasets({})).datasets).toEqual([]);
    expect((await stranger.exports.listSnapshots({})).snapshots).toEqual([]);
  });

  test("for a stranger who knows the names, nothing is there", async () => {
    const { corpus, exports } = stranger;
    const source = { source: { $case: "snapshot" as const, value: snapshot } };
    const calls = {
      getRecord: corpus.getRecord({ collection: "faq", id: "1" }),
      listRecords: corpus.listRecords({ collection: "faq" }),
      getDataset: exports.getDataset({ name: "qa" }),
      previewSamples: exports.previewSamples({ source: dataset }),
      validateSample: exports.validateSample({ schema: { $case: "dataset", value: "qa" }, sampleJson: "{}" }),
      buildSnapshot: exports.buildSnapshot({ source: dataset }),
      getSnapshot: exports.getSnapshot({ snapshot }),
      watchSnapshot: exports.watchSnapshot({ snapshot }),
      streamDataset: exports.streamSamples({ source: dataset }),
      streamSnapshot: exports.streamSamples({ source }),
      resume: exports.streamSamples({ source: dataset, resume }),
    };
    for (const [name, call] of Object.entries(calls)) {
      expect([name, (await failure(call)).code]).toEqual([name, Status.NOT_FOUND]);
    }
  });

  test("what a stranger deletes and writes under the same names is his own", async () => {
    const { corpus, exports } = stranger;
    await corpus.upsertRecords({ collection: "faq", records: [{ id: "1", fieldsJson: `{"text":"mine"}` }] });
    await corpus.deleteRecords({ collection: "faq", ids: ["1"] });
    await exports.deleteDataset({ name: "qa" }).catch(() => undefined);
    await exports.deleteSnapshot({ snapshot }).catch(() => undefined);
    const { record } = await owner.corpus.getRecord({ collection: "faq", id: "1" });
    expect(record?.fieldsJson).toBe(`{"instruction":"q","output":"a"}`);
    expect((await owner.exports.getDataset({ name: "qa" })).dataset?.name).toBe("qa");
    expect((await owner.exports.getSnapshot({ snapshot })).snapshot?.key).toBe(snapshot);
  });

  test("plans and blocks", async () => {
    const { plan } = await owner.exports.getPlan({ source: dataset, plan: { shuffle: {} } });
    const foreign = await failure(stranger.exports.getPlan({ hash: plan?.hash ?? "" }));
    const unknown = await failure(stranger.exports.getPlan({ hash: "0".repeat(64) }));
    expect(foreign.code).toBe(unknown.code);
    const read = Array.fromAsync(stranger.exports.readBlocks({ snapshot, digests: [Buffer.alloc(32)] }));
    expect((await failure(read)).code).toBe(Status.NOT_FOUND);
  });
});
