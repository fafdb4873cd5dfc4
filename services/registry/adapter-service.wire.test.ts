import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Status } from "nice-grpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type AliasMove,
  Method,
  AdapterVersion_State as State,
  TrainingConfiguration,
} from "../../proto/gen/loraloop/registry/v1/adapter.ts";
import type {
  RegisterVersionRequest,
  WatchAdaptersResponse,
} from "../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { failure } from "../../test/support/failure.ts";
import { type RegistryClients, registryClients } from "../../test/support/registry-calls.ts";
import { startTestRegistry } from "../../test/support/registry-server.ts";
import type { TestServer } from "../../test/support/server.ts";
import { storeConfiguration, storeKinds } from "../../test/support/stores.ts";
import { tinyAdapter, tinyBaseModel, uploadFiles } from "../../test/support/tiny-adapter.ts";
import { limits } from "../kit/limits.ts";

type Registration = Omit<Partial<RegisterVersionRequest>, "adapter" | "files">;

const base = "tiny/base";

describe.each(storeKinds)("adapter service on %s", (kind) => {
  let server: TestServer;
  let clients: RegistryClients;
  let artifact: string;

  beforeAll(async () => {
    server = await startTestRegistry({ configuration: storeConfiguration(kind) });
    clients = registryClients(server, server.token);
    await clients.models.registerBaseModel({ baseModel: tinyBaseModel(base) });
    artifact = (await uploadFiles(clients.artifacts, tinyAdapter(base))).digest;
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const register = (adapter: string, changes: Registration = {}) =>
    clients.adapters.registerVersion({ adapter, files: { $case: "artifact", value: artifact }, ...changes });

  /** What is sent after a revision, until its checkpoint of another one. */
  async function watched(after: bigint, through: bigint, adapter = ""): Promise<WatchAdaptersResponse[]> {
    const messages: WatchAdaptersResponse[] = [];
    for await (const message of clients.adapters.watchAdapters({ afterRevision: after, adapter })) {
      messages.push(message);
      if (message.change?.$case === "checkpoint" && message.revision >= through) break;
    }
    return messages;
  }

  test("a registration is checked, listed, watched, found and resolved, and is what was said", async () => {
    const { revision: before } = await clients.adapters.listVersions({});
    const said = {
      task: "question-answering",
      domains: ["steuerrecht", "steuerrecht"],
      language: "de",
      label: "1.0.0",
      servingHintsJson: '{"max_tokens":512}',
      constraint: { constraint: { $case: "jsonSchema" as const, value: '{"type":"object"}' } },
      training: { datasetName: "d", sampleCount: 3n, epochs: 1.5, learningRate: 1e-4, configurationJson: '{"a":1}' },
      dataSourceUri: "themisdb://prod/legal",
      metrics: { eval_loss: 1.25 },
      metadata: { team: "legal" },
      alias: "production",
    };
    const { version } = await register("whole", said);
    expect(version).toMatchObject({
      adapter: "whole",
      version: 1,
      name: "whole@1",
      state: State.STATE_READY,
      method: Method.METHOD_LORA,
      baseModel: { name: base, revision: "main", weightsDigest: tinyBaseModel(base).weightsDigest },
      peft: { r: 2, loraAlpha: 4, targetModules: ["q_proj"], maximumRank: 2, tensorTypes: ["F32"] },
      artifact: { digest: artifact, kept: true },
      provenance: { run: "", snapshots: [], parent: "", dataSourceUri: said.dataSourceUri, training: said.training },
      ...{ task: said.task, domains: ["steuerrecht"], language: "de", label: "1.0.0", constraint: said.constraint },
      metrics: { eval_loss: 1.25 },
      metadata: { team: "legal" },
    });
    expect(version?.artifact?.files.map(({ path }) => path)).toEqual([
      "adapter_config.json",
      "adapter_model.safetensors",
    ]);
    expect(version?.servability.map(({ engine, servable }) => [engine, servable])).toEqual([
      ["peft", true],
      ["vllm", true],
    ]);
    expect(version?.verifyTime).toBeDefined();
    expect((await clients.adapters.getVersion({ version: "whole@production" })).version).toEqual(version);
    expect((await clients.adapters.resolveAlias({ name: "whole@production", engine: "vllm" })).version).toEqual(
      version,
    );
    const { versions, revision } = await clients.adapters.listVersions({
      filter: 'version.task == "question-answering"',
    });
    expect(versions).toMatchObject([{ name: "whole@1", peft: { configurationJson: "", layers: [] } }]);
    const messages = await watched(before, revision, "whole");
    expect(messages.map(({ change }) => change?.$case)).toEqual([
      "checkpoint",
      "adapter",
      "version",
      "aliasMove",
      "checkpoint",
    ]);
    expect(messages[2]?.change?.value).toEqual(versions[0]);
    const { adapter } = await clients.adapters.getAdapter({ adapter: "whole" });
    expect(adapter).toMatchObject({ latestVersion: 1, aliases: [{ alias: "production", version: 1 }] });
    const { values } = await clients.adapters.listMetrics({ version: "whole@1" });
    expect(values).toMatchObject([{ metric: "eval_loss", value: 1.25 }]);
  });

  test("the same request makes one version, however often and at once it is asked; another one with its id is refused", async () => {
    const calls = Array.from({ length: 8 }, () =>
      register("idempotent", { request: `again-${kind}`, metadata: { b: "2", a: "1" } }),
    );
    const versions = await Promise.all(calls);
    expect(new Set(versions.map(({ version }) => version?.name))).toEqual(new Set(["idempotent@1"]));
    const later = await register("idempotent", { request: `again-${kind}`, metadata: { a: "1", b: "2" } });
    expect(later.version).toEqual(versions[0]?.version);
    expect((await clients.adapters.getAdapter({ adapter: "idempotent" })).adapter?.latestVersion).toBe(1);
    expect(await failure(register("idempotent", { request: `again-${kind}` }))).toMatchObject({
      reason: "FIELD_INVALID",
      metadata: { field: "request" },
    });
  });

  test("the request of a version that was deleted is refused, until that is restored", async () => {
    const again = () => register("deleted-again", { request: `deleted-${kind}` });
    await again();
    await clients.adapters.deleteVersion({ version: "deleted-again@1" });
    expect(await failure(again())).toMatchObject({
      reason: "VERSION_NOT_FOUND",
      metadata: { version: "deleted-again@1" },
    });
    await clients.adapters.restoreVersion({ version: "deleted-again@1" });
    await clients.adapters.deleteAdapter({ adapter: "deleted-again" });
    expect(await failure(again())).toMatchObject({ reason: "ADAPTER_NOT_FOUND" });
    await clients.adapters.restoreAdapter({ adapter: "deleted-again" });
    expect((await again()).version).toMatchObject({ name: "deleted-again@1", state: State.STATE_READY });
  });

  test("registrations at the same time get numbers without gaps, and a watcher sees them in order", async () => {
    const { revision } = await clients.adapters.listAdapters({});
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, number) => register("raced", { label: String(number) })),
    );
    const numbers = made.map(({ version }) => version?.version ?? 0).toSorted((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, place) => place + 1));
    const end = (await clients.adapters.listAdapters({})).revision;
    const seen = (await watched(revision, end, "raced")).flatMap(({ change }) =>
      change?.$case === "version" ? [change.value.version] : [],
    );
    expect(seen).toEqual(numbers);
  });

  test("what is refused leaves nothing: no version, no adapter, nothing to watch", async () => {
    const { revision } = await clients.adapters.listAdapters({});
    const spoiled = tinyAdapter(base, { fill: Number.NaN });
    const unknown = (await uploadFiles(clients.artifacts, tinyAdapter("no/such"))).digest;
    const diverged = (await uploadFiles(clients.artifacts, spoiled)).digest;
    const files = (value: string) => ({ $case: "artifact" as const, value });
    const elsewhere = { $case: "uri" as const, value: "file:///etc" };
    const otherWeights = { name: base, revision: "", weightsDigest: "0".repeat(64), tokenizerDigest: "" };
    const noSchema = { constraint: { $case: "jsonSchema" as const, value: "{" } };
    const noPattern = { constraint: { $case: "pattern" as const, value: "(" } };
    const refused: readonly [Partial<RegisterVersionRequest>, string][] = [
      [{ files: files(unknown) }, "BASE_MODEL_NOT_FOUND"],
      [{ files: files(diverged) }, "ADAPTER_NOT_FINITE"],
      [{ files: files("0".repeat(64)) }, "ARTIFACT_NOT_FOUND"],
      [{ files: elsewhere }, "ADAPTER_FILE_FORBIDDEN"],
      [{ baseModel: otherWeights }, "BASE_MODEL_MISMATCH"],
      [{ baseModel: { ...otherWeights, name: "" } }, "BASE_MODEL_MISMATCH"],
      [{ parent: "refused@1" }, "ADAPTER_NOT_FOUND"],
      [{ parent: "refused@latest" }, "ALIAS_NOT_FOUND"],
      [{ method: Method.METHOD_DORA }, "FIELD_INVALID"],
      [{ run: "some" }, "EXPORT_UNAVAILABLE"],
      [{ constraint: noSchema }, "SCHEMA_INVALID"],
      [{ constraint: noPattern }, "FIELD_INVALID"],
      [{ signatureBundleJson: "{}" }, "SIGNATURE_INVALID"],
      [{ adapter: "Refused" }, "FIELD_INVALID"],
      [{ dataSourceUri: "postgres://reader:secret@database/records" }, "FIELD_INVALID"],
      [{ files: undefined }, "FIELD_INVALID"],
    ];
    for (const [changes, reason] of refused) {
      const call = clients.adapters.registerVersion({ adapter: "refused", files: files(artifact), ...changes });
      expect((await failure(call)).reason).toBe(reason);
    }
    expect(await failure(clients.adapters.getAdapter({ adapter: "refused" }))).toMatchObject({
      code: Status.NOT_FOUND,
    });
    const end = (await clients.adapters.listAdapters({})).revision;
    expect((await watched(revision, end)).filter(({ change }) => change?.$case !== "checkpoint")).toEqual([]);
  });

  test("20 clients flip an alias: of those that saw the same revision one wins, and the history is what winners saw", async () => {
    for (let version = 1; version <= 2; version += 1) await register("flipped");
    const winners: AliasMove[] = [];
    const flip = async (client: number) => {
      for (let turn = 0; turn < 5; turn += 1) {
        const { adapter } = await clients.adapters.getAdapter({ adapter: "flipped" });
        const [alias] = adapter?.aliases ?? [];
        const version = alias?.version === 1 ? 2 : 1;
        const request = { adapter: "flipped", alias: "production", version, expectedRevision: alias?.revision ?? 0n };
        const call = clients.adapters.moveAlias({ ...request, reason: `client ${client}` });
        const { move } = await call.catch(async (error: unknown) => {
          const { reason, metadata } = await failure(Promise.reject(error));
          expect([reason, metadata["expected_revision"]]).toEqual(["ALIAS_CONFLICT", String(request.expectedRevision)]);
          return { move: undefined };
        });
        if (move !== undefined) winners.push(move);
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, client) => flip(client)));
    const { moves } = await clients.adapters.listAliasMoves({
      adapter: "flipped",
      alias: "production",
      pageSize: 1000,
    });
    const history = moves.toReversed();
    expect(history).toEqual(winners.toSorted((one, other) => Number(one.revision - other.revision)));
    expect(history.map(({ fromVersion }) => fromVersion)).toEqual([
      0,
      ...history.slice(0, -1).map((move) => move.toVersion),
    ]);
  });

  test("files that changed where they lie take the version out of service until they are right again", async () => {
    const { version } = await register("verified");
    expect((await clients.adapters.verifyVersion({ version: "verified@1" })).problems).toEqual([]);
    const folder = new URL(version?.artifact?.uri ?? "").pathname;
    const weights = join(folder, "adapter_model.safetensors");
    expect(await readdir(folder)).toContain("adapter_model.safetensors");
    const [, good] = tinyAdapter(base);
    const bytes = Buffer.from(good?.bytes ?? []);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    await writeFile(weights, bytes);
    const found = await clients.adapters.verifyVersion({ version: "verified@1" });
    expect(found.problems.map(({ reason }) => reason)).toEqual(["ADAPTER_FILE_CHANGED"]);
    expect(found.version).toMatchObject({ state: State.STATE_QUARANTINED, quarantine: { actor: "" } });
    expect(found.version?.quarantine?.reason).toMatch(/^ADAPTER_FILE_CHANGED: "adapter_model.safetensors"/);
    const resolved = clients.adapters.resolveAlias({ name: "verified@1" });
    expect(await failure(resolved)).toMatchObject({
      reason: "VERSION_NOT_SERVABLE",
      metadata: { state: "QUARANTINED" },
    });
    const released = await clients.adapters.releaseVersion({ version: "verified@1" });
    expect(released.version?.state).toBe(State.STATE_DECLARED);
    await writeFile(weights, good?.bytes ?? []);
    const again = await clients.adapters.verifyVersion({ version: "verified@1" });
    expect(again).toMatchObject({ problems: [], version: { state: State.STATE_READY } });
  });

  test.each([
    ["a changed file", (folder: string) => writeFile(join(folder, "adapter_model.safetensors"), "changed")],
    ["a missing file", (folder: string) => rm(join(folder, "adapter_model.safetensors"))],
    ["no files", (folder: string) => rm(folder, { recursive: true })],
  ])("an artifact that was damaged, %s, is sent again and is as it was", async (_what, damage) => {
    const sent = tinyAdapter(base, { fill: 0.75 });
    const { digest, uri } = await uploadFiles(clients.artifacts, sent);
    const files = { $case: "artifact", value: digest } as const;
    const { version } = await clients.adapters.registerVersion({ adapter: "damaged", files });
    await damage(new URL(uri).pathname);
    expect((await failure(clients.adapters.registerVersion({ adapter: "damaged", files }))).reason).toMatch(
      /^ADAPTER_FILE_(CHANGED|MISSING)$|^ARTIFACT_NOT_FOUND$/,
    );
    expect(await failure(clients.artifacts.getArtifact({ digest }))).toMatchObject({ reason: "ARTIFACT_NOT_FOUND" });
    await uploadFiles(clients.artifacts, sent);
    await clients.adapters.registerVersion({ adapter: "damaged", files });
    const verified = await clients.adapters.verifyVersion({ version: version?.name ?? "" });
    expect(verified).toMatchObject({ problems: [], version: { state: State.STATE_READY } });
  });

  test("a deleted version's files are still there, and it comes back", async () => {
    await register("deleted");
    await clients.adapters.deleteVersion({ version: "deleted@1" });
    expect((await clients.adapters.listVersions({ adapter: "deleted" })).versions).toEqual([]);
    expect(await failure(clients.adapters.verifyVersion({ version: "deleted@1" }))).toMatchObject({
      reason: "VERSION_NOT_FOUND",
    });
    const { version } = await clients.adapters.restoreVersion({ version: "deleted@1" });
    expect(version?.state).toBe(State.STATE_READY);
    const child = await register("child", { parent: "deleted@1" });
    expect(child.version?.provenance?.parent).toBe("deleted@1");
    expect(await failure(clients.adapters.deleteVersion({ version: "deleted@1" }))).toMatchObject({
      reason: "VERSION_IN_USE",
      metadata: { version: "deleted@1", child: "child@1" },
    });
  });

  test("a version may descend from one of another base model, into which its parent may have been merged", async () => {
    const merged = "tiny/merged";
    await clients.models.registerBaseModel({ baseModel: tinyBaseModel(merged) });
    await register("unmerged");
    const { digest } = await uploadFiles(clients.artifacts, tinyAdapter(merged));
    const files = { $case: "artifact" as const, value: digest };
    const { version } = await clients.adapters.registerVersion({ adapter: "merged", files, parent: "unmerged@1" });
    expect(version).toMatchObject({ baseModel: { name: merged }, provenance: { parent: "unmerged@1" } });
  });

  test("a version may descend from its own adapter and take over its alias, in one commit", async () => {
    await register("family", { alias: "production" });
    const { version } = await register("family", { parent: "family@production", alias: "production" });
    expect(version).toMatchObject({ name: "family@2", provenance: { parent: "family@1" } });
    const { moves } = await clients.adapters.listAliasMoves({ adapter: "family" });
    expect(moves.map(({ fromVersion, toVersion, revision }) => [fromVersion, toVersion, revision])).toEqual([
      [1, 2, version?.revision],
      [0, 1, expect.anything()],
    ]);
    const deletion = clients.adapters.deleteVersion({ version: "family@1" });
    expect(await failure(deletion)).toMatchObject({ reason: "VERSION_IN_USE", metadata: { child: "family@2" } });
  });

  test("an engine that cannot serve a version is refused by name", async () => {
    await register("engines");
    expect(await failure(clients.adapters.resolveAlias({ name: "engines@1", engine: "other" }))).toMatchObject({
      reason: "VERSION_NOT_SERVABLE",
      metadata: { version: "engines@1", state: "READY", engine: "other" },
    });
  });

  test.each<[string, Registration, Registration]>([
    ["version_domains", { domains: texts(limits.version_domains) }, { domains: texts(limits.version_domains + 1) }],
    [
      "version_text_bytes",
      { task: "x".repeat(limits.version_text_bytes) },
      { task: "x".repeat(limits.version_text_bytes + 1) },
    ],
    [
      "constraint_bytes",
      { constraint: pattern(limits.constraint_bytes) },
      { constraint: pattern(limits.constraint_bytes + 1) },
    ],
    [
      "serving_hints_bytes",
      { servingHintsJson: json(limits.serving_hints_bytes) },
      { servingHintsJson: json(limits.serving_hints_bytes + 1) },
    ],
    [
      "training_configuration_bytes",
      { training: trained(limits.training_configuration_bytes) },
      { training: trained(limits.training_configuration_bytes + 1) },
    ],
    ["version_metrics", { metrics: values(limits.version_metrics) }, { metrics: values(limits.version_metrics + 1) }],
    [
      "metadata_entries",
      { metadata: entries(limits.metadata_entries) },
      { metadata: entries(limits.metadata_entries + 1) },
    ],
    [
      "metadata_key_bytes",
      { metadata: { ["k".repeat(limits.metadata_key_bytes)]: "" } },
      { metadata: { ["k".repeat(limits.metadata_key_bytes + 1)]: "" } },
    ],
    [
      "metadata_value_bytes",
      { metadata: { a: "x".repeat(limits.metadata_value_bytes) } },
      { metadata: { a: "x".repeat(limits.metadata_value_bytes + 1) } },
    ],
  ])("%s at N and at N + 1", async (limit, most, tooMuch) => {
    expect((await register("limits", most)).version?.state).toBe(State.STATE_READY);
    const { code, reason, metadata } = await failure(register("limits", tooMuch));
    expect([code, reason, metadata["limit"]]).toEqual([Status.INVALID_ARGUMENT, "LIMIT_EXCEEDED", limit]);
  });

  test.each<[string, Registration]>([
    ["task", { task: "a\0b" }],
    ["domains", { domains: ["law", "a\0b"] }],
    ["label", { label: "\0" }],
  ])("NUL in %s", async (field, registration) => {
    expect(await failure(register("limits", registration))).toMatchObject({ reason: "FIELD_INVALID", fields: [field] });
  });

  test("a text too long for its field is not read first", async () => {
    const text = "x".repeat(limits.serving_hints_bytes + 1);
    expect(await failure(register("limits", { servingHintsJson: text }))).toMatchObject({ reason: "LIMIT_EXCEEDED" });
    expect(await failure(register("limits", { language: "-".repeat(limits.version_text_bytes + 1) }))).toMatchObject({
      reason: "LIMIT_EXCEEDED",
    });
  });

  test("limits of adapters, quarantines and metrics", async () => {
    await register("limited");
    const version = "limited@1";
    const put = (bytes: number) => clients.adapters.putAdapter({ adapter: "limited", description: "x".repeat(bytes) });
    const quarantine = (bytes: number) => clients.adapters.quarantineVersion({ version, reason: "x".repeat(bytes) });
    const report = (count: number, source = "") =>
      clients.adapters.reportMetrics({
        version,
        values: Array.from({ length: count }, (_, step) => ({ metric: "m", value: 1, step: BigInt(step), source })),
      });
    await put(limits.adapter_description_bytes);
    await quarantine(limits.reason_bytes);
    await report(limits.call_metric_values);
    await report(1, "x".repeat(limits.metric_source_bytes));
    const refused = {
      adapter_description_bytes: () => put(limits.adapter_description_bytes + 1),
      reason_bytes: () => quarantine(limits.reason_bytes + 1),
      call_metric_values: () => report(limits.call_metric_values + 1),
      metric_source_bytes: () => report(1, "x".repeat(limits.metric_source_bytes + 1)),
    };
    for (const [limit, call] of Object.entries(refused)) expect((await failure(call())).metadata["limit"]).toBe(limit);
    expect(await failure(quarantine(0))).toMatchObject({ reason: "FIELD_INVALID", fields: ["reason"] });
    expect(await failure(report(0))).toMatchObject({ reason: "FIELD_INVALID", fields: ["values"] });
    const infinite = clients.adapters.reportMetrics({ version, values: [{ metric: "m", value: Number.NaN }] });
    expect(await failure(infinite)).toMatchObject({ reason: "FIELD_INVALID", fields: ["values[0].value"] });
  });

  test("a watch after a revision that is not there yet is refused", async () => {
    const watch = clients.adapters.watchAdapters({ afterRevision: 1_000_000n });
    expect(await failure(watch)).toMatchObject({ code: Status.OUT_OF_RANGE, reason: "REVISION_UNKNOWN" });
  });

  test("a server that stops ends watches with DRAINING", async () => {
    await using other = await startTestRegistry();
    const watch = registryClients(other, other.token).adapters.watchAdapters({})[Symbol.asyncIterator]();
    await watch.next();
    const next = failure(watch.next());
    await other.service.close();
    expect(await next).toMatchObject({ code: Status.UNAVAILABLE, reason: "DRAINING" });
  });
});

function texts(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `t${number}`);
}

function values(count: number): Record<string, number> {
  return Object.fromEntries(texts(count).map((text, number) => [text, number]));
}

function entries(count: number): Record<string, string> {
  return Object.fromEntries(texts(count).map((text) => [text, text]));
}

function json(bytes: number): string {
  return JSON.stringify({ a: "x".repeat(bytes - '{"a":""}'.length) });
}

function trained(bytes: number): TrainingConfiguration {
  return TrainingConfiguration.fromPartial({ configurationJson: json(bytes) });
}

function pattern(bytes: number) {
  return { constraint: { $case: "pattern" as const, value: "x".repeat(bytes) } };
}
