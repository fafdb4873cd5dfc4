import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TokenServiceDefinition } from "../../proto/gen/loraloop/auth/v1/token_service.ts";
import { CorpusServiceDefinition } from "../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { RunServiceDefinition } from "../../proto/gen/loraloop/export/v1/run_service.ts";
import { failure } from "../../test/support/failure.ts";
import {
  outcome,
  type RegistryClients,
  type RegistryNames,
  registryClients,
  registryServices,
  strangeNames,
  strangerCalls,
} from "../../test/support/registry-calls.ts";
import { startTestServers } from "../../test/support/registry-server.ts";
import { specSource } from "../../test/support/samples.ts";
import type { TestServer } from "../../test/support/server.ts";
import { tinyAdapter, tinyBaseModel, uploadFiles } from "../../test/support/tiny-adapter.ts";
import { methodPaths } from "../kit/service.ts";

/** Nobody else's words hold it, and no name of a stranger's. */
const secret = "vertraulich";
const fixed = {
  adapter: "geheim-adapter",
  alias: "geheim",
  baseModel: "geheim/model",
  request: "geheim-request",
  collection: "geheim",
  record: "geheim-1",
  subject: "geheim-person",
  run: "geheim-run",
};

describe("two tenants of one registry", () => {
  let server: TestServer;
  let owner: RegistryClients;
  let names: RegistryNames;

  beforeAll(async () => {
    server = await startTestServers();
    const token = await tokenOf("owner");
    owner = registryClients(server, token);
    names = await fill(token);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function tokenOf(tenant: string): Promise<string> {
    const system = server.client(TokenServiceDefinition, server.systemToken);
    return (await system.createToken({ tenant, scopes: ["admin"], description: secret })).secret;
  }

  /** Gives the owner something of everything. */
  async function fill(token: string): Promise<RegistryNames> {
    const { run, snapshot } = await train(token);
    await owner.models.registerBaseModel({
      baseModel: { ...tinyBaseModel(fixed.baseModel), metadata: { note: secret } },
    });
    const artifact = await uploadFiles(owner.artifacts, tinyAdapter(fixed.baseModel));
    const { adapter, alias, request } = fixed;
    await owner.adapters.putAdapter({ adapter, description: secret, metadata: { note: secret } });
    const version = { adapter, files: { $case: "artifact" as const, value: artifact.digest }, label: secret, alias };
    await owner.adapters.registerVersion({ ...version, run, snapshots: [snapshot], request });
    await owner.adapters.registerVersion({ ...version, parent: `${adapter}@1`, metadata: { note: secret } });
    await owner.adapters.reportMetrics({ version: `${adapter}@1`, values: [{ metric: secret, value: 1 }] });
    await owner.adapters.quarantineVersion({ version: `${adapter}@1`, reason: secret });
    return { ...fixed, artifact: artifact.digest, artifactUri: artifact.uri, snapshot };
  }

  async function train(token: string): Promise<{ run: string; snapshot: string }> {
    const { collection, record: id, subject, run } = fixed;
    const records = [{ id, fieldsJson: `{"text":"${secret}"}`, subject }];
    await server.client(CorpusServiceDefinition, token).upsertRecords({ collection, records });
    const source = specSource({ collection, format: "text" });
    const exports = server.client(ExportServiceDefinition, token);
    const snapshot = (await exports.buildSnapshot({ source })).snapshot?.key ?? "";
    for await (const _ of exports.watchSnapshot({ snapshot }));
    const runs = server.client(RunServiceDefinition, token);
    await runs.openRun({ run, source, lease: "geheim" });
    await runs.closeRun({ run, result: { succeeded: true } });
    return { run, snapshot };
  }

  /** All that the owner can list. */
  async function everything(): Promise<string> {
    const version = `${names.adapter}@1`;
    return shown([
      await owner.models.listBaseModels({}),
      await owner.artifacts.getArtifact({ digest: names.artifact }),
      await owner.adapters.listAdapters({ includeDeleted: true }),
      await owner.adapters.listVersions({ includeDeleted: true }),
      await owner.adapters.getVersion({ version }),
      await owner.adapters.listMetrics({ version }),
      await owner.adapters.listAliasMoves({ adapter: names.adapter }),
      await owner.adapters.getSignaturePolicy({}),
      await owner.adapters.getLineage({ version, records: 10 }),
      await owner.adapters.findVersions({
        origin: { $case: "subject", value: { collection: "", subject: names.subject } },
      }),
    ]);
  }

  test("every RPC is tried", () => {
    const methods = registryServices
      .flatMap(methodPaths)
      .map((path) => path.replace(/^\/loraloop\.registry\.v1\./, ""));
    expect(Object.keys(strangerCalls).sort()).toEqual(methods.sort());
  });

  test("a stranger who knows all names is told what he would be told if the owner were not there", async () => {
    const before = await everything();
    const { request: _neverShown, ...shownNames } = names;
    for (const word of [secret, ...Object.values(shownNames)]) expect(before).toContain(word);
    const strange = strangeNames(names);
    const [stranger, alone] = [await tokenOf("stranger"), await tokenOf("alone")];
    for (const [method, calls] of Object.entries(strangerCalls)) {
      for (const call of calls) {
        const told = comparable(await outcome(call(registryClients(server, stranger), names)), names, stranger);
        const expected = comparable(await outcome(call(registryClients(server, alone), strange)), strange, alone);
        expect([method, told]).toEqual([method, expected]);
        expect(told).not.toContain(secret);
      }
    }
    expect(await everything()).toBe(before);
  });

  test("a page token is its tenant's alone", async () => {
    const stranger = registryClients(server, await tokenOf("pages"));
    const { nextPageToken: pageToken } = await owner.adapters.listVersions({ pageSize: 1 });
    expect(pageToken).not.toBe("");
    expect(await failure(stranger.adapters.listVersions({ pageSize: 1, pageToken }))).toMatchObject({
      reason: "PAGE_TOKEN_INVALID",
    });
  });

  test("a stranger's watch is told of his own changes only", async () => {
    const stranger = registryClients(server, await tokenOf("watcher"));
    const stop = new AbortController();
    const watch = stranger.adapters.watchAdapters({ afterRevision: 0n }, { signal: stop.signal });
    const messages = watch[Symbol.asyncIterator]();
    expect((await messages.next()).value).toMatchObject({ revision: 0n, change: { $case: "checkpoint" } });
    await owner.adapters.putAdapter({ adapter: names.adapter, description: `${secret} again` });
    await stranger.adapters.putAdapter({ adapter: "mine" });
    const { value } = await messages.next();
    expect(value).toMatchObject({ revision: 1n, change: { $case: "adapter", value: { name: "mine" } } });
    stop.abort();
  });

  test("the page of metrics names nobody's things", async () => {
    const page = await (await fetch(`http://${server.service.metricsAddress}/metrics`)).text();
    expect(page).toContain("WatchAdapters");
    for (const name of [...Object.values(names), secret, "stranger"]) expect(page).not.toContain(name);
  });
});

function shown(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "bigint" ? String(part) : part instanceof Uint8Array ? Buffer.from(part).toString("hex") : part,
  );
}

/** A told outcome without what may differ: the names that were asked for, the caller's token, times, and where files lie. */
function comparable(told: unknown, names: RegistryNames, token: string): string {
  const words = Object.entries(names).toSorted(([, one], [, other]) => other.length - one.length);
  const named = words.reduce((text, [key, name]) => text.replaceAll(name, `<${key}>`), shown(told));
  return named
    .replaceAll(token.split("_")[1] ?? token, "<token>")
    .replaceAll(/\{"seconds":"\d+","nanos":\d+\}/g, '"<time>"')
    .replaceAll(/"file:[^"]*"/g, '"<uri>"');
}
