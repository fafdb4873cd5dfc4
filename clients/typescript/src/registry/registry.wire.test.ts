import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, ServerError, Status } from "nice-grpc";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  AdapterServiceDefinition,
  type ReportMetricsRequest,
} from "../../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { startTestRegistry, startTestServers } from "../../../../test/support/registry-server.ts";
import type { TestServer } from "../../../../test/support/server.ts";
import { tinyAdapter, tinyModel, writeFiles } from "../../../../test/support/tiny-adapter.ts";
import { AdapterVersion_State, Client, type DownloadedVersion, Run_State } from "../index.ts";

const base = "tiny/llama";

let folder: string;
let server: TestServer;
let client: Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loraloop-registry-"));
  server = await startTestServers({ dataDirectory: join(folder, "data") });
  client = new Client({ address: server.address, token: server.token });
  await client.registry.registerBaseModel(writeFiles(join(folder, "model"), tinyModel()), { name: base });
});

afterAll(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** A folder with an adapter of its own weights. */
function adapterFolder(name: string, fill: number): string {
  return writeFiles(join(folder, name), tinyAdapter(base, { fill }));
}

test("a base model is registered from its folder, once", async () => {
  const again = await client.registry.registerBaseModel(join(folder, "model"), { name: base });
  expect(again).toMatchObject({ name: base, revision: "main", architecture: "LlamaForCausalLM", hiddenSize: 8 });
  const names = (await Array.fromAsync(client.registry.listBaseModels())).map(({ name }) => name);
  expect(names).toEqual([base]);
  await writeFile(join(folder, "model", "tokenizer.json"), '{"other":true}');
  const other = client.registry.registerBaseModel(join(folder, "model"), { name: base });
  await expect(other).rejects.toMatchObject({ reason: "BASE_MODEL_CONFLICT" });
});

test("a version: sent once, listed, resolved, compared with a folder", async () => {
  const files = adapterFolder("first", 0.1);
  const sent: number[] = [];
  const onProgress = ({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number }) =>
    sent.push(doneBytes / totalBytes);
  const version = await client.registry.registerVersion("legal", files, { onProgress, alias: "production" });
  expect(version).toMatchObject({ name: "legal@1", state: AdapterVersion_State.STATE_READY });
  expect(sent.at(-1)).toBe(1);
  const again = await client.registry.registerVersion("legal", files, { onProgress, metrics: { eval_loss: 1.5 } });
  expect(again).toMatchObject({ name: "legal@2", artifact: version.artifact, metrics: { eval_loss: 1.5 } });
  expect(sent).toHaveLength(2);
  expect((await client.registry.resolve("legal@production")).name).toBe("legal@1");
  const listed = client.registry.listVersions({ adapter: "legal", filter: 'version.metrics["eval_loss"] > 1.0' });
  expect((await Array.fromAsync(listed)).map(({ name }) => name)).toEqual(["legal@2"]);
  expect(await client.registry.verifyFolder("legal@1", files)).toEqual([]);
  await writeFile(join(files, "README.md"), "# Legal");
  expect(await client.registry.verifyFolder("legal@1", files)).toMatchObject([
    { path: "README.md", problem: "unexpected" },
  ]);
});

test("the same request makes one version, however often it is said", async () => {
  const files = adapterFolder("request", 0.2);
  const register = () => client.registry.registerVersion("asked", files, { request: "made-once" });
  const versions = await Promise.all([register(), register(), register()]);
  expect(new Set(versions.map(({ name }) => name))).toEqual(new Set(["asked@1"]));
});

test("what is spoiled is refused here or there, and nothing is made", async () => {
  const pickle = writeFiles(adapterFolder("pickle", 0.3), [{ path: "adapter_model.bin", bytes: Buffer.from("x") }]);
  await expect(client.registry.registerVersion("bad", pickle)).rejects.toMatchObject({ name: "FileError" });
  const config = [{ path: "adapter_config.json", bytes: Buffer.from("{}") }];
  const lying = writeFiles(adapterFolder("lying", 0.3), config);
  const refused = client.registry.registerVersion("bad", lying);
  await expect(refused).rejects.toMatchObject({ reason: "ADAPTER_CONFIGURATION_INVALID" });
  await expect(client.registry.getAdapter("bad")).rejects.toMatchObject({ reason: "ADAPTER_NOT_FOUND" });
});

test("a download is checked, kept by its digest, made whole again, and shared by those who ask at once", async () => {
  const files = adapterFolder("kept", 0.4);
  const { artifact } = await client.registry.registerVersion("kept", files);
  const cache = join(folder, "cache");
  const found = await Promise.all([1, 2, 3, 4].map(() => client.registry.download("kept@1", { cache })));
  const { folder: first } = found[0] as DownloadedVersion;
  expect(first).toBe(join(cache, artifact?.digest ?? ""));
  expect(await client.registry.verifyFolder("kept@1", first)).toEqual([]);
  await writeFile(join(first, "adapter_model.safetensors"), "damaged");
  await writeFile(join(first, "more"), "");
  const again = await Promise.all([1, 2, 3, 4].map(() => client.registry.download("kept@1", { cache })));
  expect(new Set(again.map((each) => each.folder))).toEqual(new Set([first]));
  expect(await client.registry.verifyFolder("kept@1", first)).toEqual([]);
  expect(await readdir(cache)).toEqual([artifact?.digest]);
  let progress = 0;
  await client.registry.download("kept@1", { cache, onProgress: () => (progress += 1) });
  expect(progress).toBe(0);
});

test("an adapter that names its base model by a folder is of the weights and the tokenizer in it", async () => {
  const model = writeFiles(join(folder, "named"), tinyModel());
  await client.registry.registerBaseModel(model, { name: "named", otherNames: [model] });
  const files = writeFiles(join(folder, "of-named"), tinyAdapter(model));
  const register = (options = {}) => client.registry.registerVersion("of-named", files, options);
  const { baseModel } = await register();
  await writeFile(join(model, "tokenizer.json"), '{"other":true}');
  await expect(register()).rejects.toMatchObject({ reason: "TOKENIZER_MISMATCH" });
  const weights = await readFile(join(model, "model.safetensors"));
  await writeFile(join(model, "model.safetensors"), weights.fill(1, weights.length - 1));
  await expect(register()).rejects.toMatchObject({ reason: "BASE_MODEL_MISMATCH" });
  expect((await register({ baseModel: { name: "named" } })).baseModel).toEqual(baseModel);
  const configuration = await readFile(join(model, "config.json"), "utf8");
  await writeFile(join(model, "config.json"), configuration.replace("{", '{"quantization_config":{},'));
  expect((await register()).version).toBe(3);
  await rm(model, { recursive: true });
  expect((await register()).version).toBe(4);
});

test("a download goes into a folder of one's own, but never among other files", async () => {
  await client.registry.registerVersion("own", adapterFolder("own", 0.5));
  const directory = join(folder, "own-copy");
  expect(await client.registry.download("own@1", { directory })).toMatchObject({ version: "own@1", folder: directory });
  await client.registry.download("own@1", { directory });
  await writeFile(join(directory, "notes.txt"), "mine");
  const among = client.registry.download("own@1", { directory });
  await expect(among).rejects.toMatchObject({ name: "FileError", problem: expect.stringContaining("other files") });
  expect(await readdir(directory)).toContain("notes.txt");
});

test("an alias is moved by who has seen it; its history says who was where", async () => {
  const files = adapterFolder("moved", 0.6);
  for (const _ of [1, 2]) await client.registry.registerVersion("moved", files);
  const first = await client.registry.moveAlias("moved", "live", 1, { expectedRevision: 0n, reason: "begin" });
  const second = await client.registry.moveAlias("moved", "live", 2, { expectedRevision: first.revision });
  expect(second).toMatchObject({ fromVersion: 1, toVersion: 2 });
  const late = client.registry.moveAlias("moved", "live", 1, { expectedRevision: first.revision });
  await expect(late).rejects.toMatchObject({ reason: "ALIAS_CONFLICT" });
  const moves = await Array.fromAsync(client.registry.listAliasMoves("moved", "live"));
  expect(moves.map(({ toVersion, reason }) => [toVersion, reason])).toEqual([
    [2, ""],
    [1, "begin"],
  ]);
  expect((await client.registry.resolve("moved@live", { engine: "vllm" })).name).toBe("moved@2");
  await client.registry.adapters.quarantineVersion({ version: "moved@2", reason: "rude" });
  await expect(client.registry.resolve("moved@live")).rejects.toMatchObject({ reason: "VERSION_NOT_SERVABLE" });
  await expect(client.registry.download("moved@live")).rejects.toMatchObject({ reason: "VERSION_NOT_SERVABLE" });
});

test("metrics over time", async () => {
  await client.registry.registerVersion("measured", adapterFolder("measured", 0.7));
  const values = [1n, 2n].map((step) => ({ metric: "eval_loss", value: 1 / Number(step), step }));
  expect((await client.registry.reportMetrics("measured@1", values)).metrics).toEqual({ eval_loss: 0.5 });
  const listed = await Array.fromAsync(client.registry.listMetrics("measured@1", "eval_loss"));
  expect(listed.map(({ value }) => value)).toEqual([1, 0.5]);
});

test("metrics whose answer was lost are there once", async () => {
  const { name } = await client.registry.registerVersion("lost", adapterFolder("lost", 0.7));
  let answers = 0;
  const losing = createServer();
  const methods = { reportMetrics: AdapterServiceDefinition.methods.reportMetrics };
  losing.add(
    { ...AdapterServiceDefinition, methods },
    {
      reportMetrics: async ({ version, values }: ReportMetricsRequest) => {
        const answer = await client.registry.adapters.reportMetrics({ version, values });
        answers += 1;
        if (answers === 1) throw new ServerError(Status.UNAVAILABLE, "lost");
        return answer;
      },
    },
  );
  const port = await losing.listen("127.0.0.1:0");
  await using other = new Client({ address: `127.0.0.1:${port}`, token: "any" });
  await other.registry.reportMetrics(name, [{ metric: "eval_loss", value: 0.5 }]);
  await losing.shutdown();
  expect(answers).toBe(2);
  expect(await Array.fromAsync(client.registry.listMetrics(name))).toHaveLength(1);
});

test("the end of a training in one call: version, run, snapshots, lineage down to the records", async () => {
  const records = ["a", "b", "c"].map((id) => ({ id, fieldsJson: `{"text":"${id}"}`, subject: `person ${id}` }));
  await client.ingest("notes", records);
  const spec = { collection: "notes", format: "text" };
  const { key } = await client.buildSnapshot({ source: { $case: "spec", value: spec } });
  await using run = await client.runs.open({ snapshot: key });
  await run.reportProgress({ step: 3, metrics: { loss: 0.25 } });
  const version = await client.registry.registerRun(run, "trained", adapterFolder("trained", 0.8));
  expect(version).toMatchObject({
    metrics: { loss: 0.25 },
    provenance: { run: run.id, snapshots: [{ snapshot: key }] },
  });
  const again = await client.registry.registerRun(run, "trained", join(folder, "trained"));
  expect(again.name).toBe("trained@1");
  const closed = await client.runs.get(run.id);
  expect(closed).toMatchObject({ state: Run_State.STATE_SUCCEEDED, result: { adapterVersion: "trained@1" } });
  await expect(client.export.deleteSnapshot({ snapshot: key })).rejects.toMatchObject({ reason: "SNAPSHOT_IN_USE" });
  const lineage = await client.registry.getLineage("trained@1", { records: 10 });
  expect(lineage).toMatchObject({ run: { run: run.id }, unavailable: "" });
  expect(lineage.snapshots[0]?.records).toMatchObject(records.map(({ id, subject }) => ({ record: id, subject })));
  const origin = { $case: "subject", value: { collection: "", subject: "person b" } } as const;
  await client.registry.registerVersion("child", adapterFolder("child", 0.9), { parent: "trained@1" });
  expect(await Array.fromAsync(client.registry.findVersions(origin))).toMatchObject([
    { name: "trained@1", inheritedFrom: "" },
    { name: "child@1", inheritedFrom: "trained@1" },
  ]);
});

test("a run that is closed with something else makes no version, and one that cannot be closed names its version", async () => {
  await client.ingest("closing", [{ id: "a", fieldsJson: '{"text":"a"}' }]);
  const spec = { collection: "closing", format: "text" };
  const open = () => client.runs.open({ source: { $case: "spec", value: spec } }, { run: "closing" });
  await using replaced = await open();
  await using run = await open();
  const files = adapterFolder("closing", 0.6);
  await expect(client.registry.registerRun(replaced, "closing", files)).rejects.toMatchObject({
    reason: "RUN_CONFLICT",
    message: expect.stringContaining("closing@1 is registered, but its run could not be closed: "),
  });
  expect((await client.registry.registerRun(run, "closing", files)).name).toBe("closing@1");
  for (const adapter of ["closing", "closing-other"]) {
    const refused = client.registry.registerRun(run, adapter, files, { alias: "production" });
    await expect(refused).rejects.toMatchObject({
      reason: "RUN_CONFLICT",
      metadata: { run: "closing", problem: "is closed with closing@1" },
      message: expect.stringContaining("nothing was registered"),
    });
  }
  const made = (await Array.fromAsync(client.registry.listVersions())).map(({ name }) => name);
  expect(made.filter((name) => name.startsWith("closing"))).toEqual(["closing@1"]);
  expect((await client.registry.getAdapter("closing")).aliases).toEqual([]);
});

test("signed with a trusted key", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const trusted = publicKey.export({ type: "spki", format: "pem" }).toString();
  const policy = { required: false, trustedKeys: [{ publicKey: trusted, description: "us" }] };
  await client.registry.adapters.putSignaturePolicy({ policy });
  const files = adapterFolder("signed", 0.9);
  const version = await client.registry.registerVersion("signed", files, { privateKey: pem });
  expect(version.signature).toMatchObject({ trusted: true });
  const unsigned = client.registry.registerVersion("signed", `file://${files}`, { privateKey: pem });
  await expect(unsigned).rejects.toThrow("can be signed afterwards, with sign");
  await client.registry.registerVersion("signed", files);
  expect((await client.registry.sign("signed@2", pem)).signature).toMatchObject({ trusted: true });
});

test("a registry of its own is another server, with a token of its own", async () => {
  await using registry = await startTestRegistry();
  const { address, token } = registry;
  await using other = new Client({ address: server.address, token: server.token, registry: { address, token } });
  await other.registry.connect(5);
  expect(await Array.fromAsync(other.registry.listAdapters())).toEqual([]);
  expect(await Array.fromAsync(other.runs.list())).not.toEqual([]);
  await other.registry.adapters.putAdapter({ adapter: "elsewhere" });
  await expect(client.registry.getAdapter("elsewhere")).rejects.toMatchObject({ reason: "ADAPTER_NOT_FOUND" });
});
