import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Client, createChannel } from "nice-grpc";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { AdapterVersion_State } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import {
  AdapterServiceDefinition,
  RenderVersionsRequest_Format as Format,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ArtifactServiceDefinition } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModelServiceDefinition } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { failure } from "../../../test/support/failure.ts";
import { startTestRegistry } from "../../../test/support/registry-server.ts";
import { createClientWith, type TestServer } from "../../../test/support/server.ts";
import { type TinyFile, tinyAdapter, tinyBaseModel, uploadFiles } from "../../../test/support/tiny-adapter.ts";
import { limits } from "../../kit/limits.ts";

const files = tinyAdapter("tiny");
const configuration = Buffer.from(files[0]?.bytes ?? []).toString();

let folder: string;
let server: TestServer;
let client: Client<typeof AdapterServiceDefinition>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loraloop-models-"));
  server = await startTestRegistry({ configuration: { artifact_roots: [folder] } });
  client = server.client(AdapterServiceDefinition);
  await server.client(BaseModelServiceDefinition).registerBaseModel({ baseModel: tinyBaseModel("tiny") });
  const artifact = await uploadFiles(server.client(ArtifactServiceDefinition), files);
  await client.registerVersion({
    adapter: "legal",
    files: { $case: "artifact", value: artifact.digest },
    domains: ["recht"],
    alias: "production",
    metrics: { eval_loss: 1.25 },
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const render = async (format: Format, pathTemplate = "", ...versions: string[]) =>
  client.renderVersions({ versions: versions.length === 0 ? ["legal@production"] : versions, format, pathTemplate });

describe("a registered version in every format", () => {
  test("adapter_config.json byte for byte", async () => {
    const rendered = await render(Format.FORMAT_PEFT_CONFIGURATION);
    expect(rendered).toEqual({ content: configuration, fileName: "adapter_config.json" });
  });

  test("adapter_metadata.json, which is imported again", async () => {
    const { content, fileName } = await render(Format.FORMAT_ADAPTER_METADATA, "/models/{name}");
    expect(fileName).toBe("adapter_metadata.json");
    expect(JSON.parse(content)).toMatchObject({
      adapter_id: "legal",
      base_model_name: "tiny",
      domain: "recht",
      training: { lora_rank: 2, lora_alpha: 4, lora_dropout: 0, target_modules: ["q_proj"] },
      vllm: { enabled: true, adapter_path: "/models/legal@1", enable_multi_lora: true },
      metrics: { eval_loss: 1.25 },
    });
    const { versions } = await client.importVersions({ format: Format.FORMAT_ADAPTER_METADATA, content });
    expect(versions).toMatchObject([{ adapter: "legal", state: AdapterVersion_State.STATE_DECLARED }]);
    const again = await render(Format.FORMAT_ADAPTER_METADATA, "", versions[0]?.name ?? "");
    expect(again.content).toBe(content);
  });

  test("adapter_metadata.json enables no version that the signature policy refuses", async () => {
    await client.putSignaturePolicy({ policy: { required: true, trustedKeys: [] } });
    onTestFinished(async () => {
      await client.putSignaturePolicy({ policy: { required: false } });
    });
    const { content } = await render(Format.FORMAT_ADAPTER_METADATA);
    expect(JSON.parse(content)).toMatchObject({ vllm: { enabled: false } });
    expect(await failure(render(Format.FORMAT_VLLM_ARGUMENTS))).toMatchObject({ reason: "SIGNATURE_REQUIRED" });
  });

  test("adapter_registry.json, model card, folder, arguments", async () => {
    expect(JSON.parse((await render(Format.FORMAT_ADAPTER_REGISTRY)).content)).toMatchObject([
      { id: "legal@1", domain: ["recht"], method: "lora", rank: 2, base_model: "tiny", metrics: { eval_loss: 1.25 } },
    ]);
    const card = await render(Format.FORMAT_MODEL_CARD);
    expect(card).toMatchObject({ content: expect.stringContaining("library_name: peft"), fileName: "README.md" });
    expect(await render(Format.FORMAT_FOLDER_LAYOUT)).toEqual({ content: "adapters/recht/lora-r2-v1\n", fileName: "" });
    const { content } = await render(Format.FORMAT_VLLM_ARGUMENTS);
    expect(content).toMatch(/^--enable-lora\n--lora-modules\nlegal@1=\/.+\n--max-lora-rank\n8\n--max-loras\n1\n$/);
  });
});

test("a declared version is served once its files were found right where its document says", async () => {
  await save("recht/lora-r2-v1", files);
  const base = pathToFileURL(folder).href;
  const entry = {
    id: "recht-lora-r2-v1",
    domain: "recht",
    method: "lora",
    rank: 2,
    base_model_hash: "abc123",
    extra: [1.0],
  };
  const content = `${JSON.stringify([entry], undefined, 2)}\n`;
  const document = { format: Format.FORMAT_ADAPTER_REGISTRY, content, baseUri: base };
  await client.importVersions(document);
  const name = "recht-lora-r2-v1@1";
  expect(await failure(render(Format.FORMAT_VLLM_ARGUMENTS, "", name))).toMatchObject({
    reason: "VERSION_NOT_SERVABLE",
    metadata: { version: name, state: "DECLARED" },
  });
  expect(await failure(render(Format.FORMAT_PEFT_CONFIGURATION, "", name))).toMatchObject({
    reason: "VERSION_NOT_SERVABLE",
  });
  const { version, problems } = await client.verifyVersion({ version: name });
  expect(problems).toEqual([]);
  expect(version).toMatchObject({
    state: AdapterVersion_State.STATE_READY,
    baseModel: { name: "tiny", revision: "main" },
    declared: { baseModelHash: "abc123" },
    artifact: { uri: `${base}/recht/lora-r2-v1`, kept: false },
  });
  const origin = { $case: "baseModel" as const, value: { name: "tiny" } };
  expect((await client.findVersions({ origin })).versions).toContainEqual(expect.objectContaining({ name }));
  expect((await render(Format.FORMAT_PEFT_CONFIGURATION, "", name)).content).toBe(configuration);
  const path = join(folder, "recht/lora-r2-v1");
  expect((await render(Format.FORMAT_VLLM_ARGUMENTS, "", name)).content).toContain(`\n${name}=${path}\n`);
  const [written] = JSON.parse((await render(Format.FORMAT_ADAPTER_REGISTRY, "", name)).content);
  expect(written).toEqual({ ...entry, base_model: "tiny", tokenizer_hash: version?.baseModel?.tokenizerDigest });
  expect((await client.importVersions(document)).versions).toMatchObject([
    { name, state: AdapterVersion_State.STATE_READY },
  ]);
});

test("a declared version whose files are others than the document says is taken out of service", async () => {
  await save("other", files);
  const content = JSON.stringify({
    adapter_id: "other",
    base_model_name: "tiny",
    base_model_hash: "0".repeat(64),
    vllm: { adapter_path: "other" },
  });
  await client.importVersions({ format: Format.FORMAT_ADAPTER_METADATA, content, baseUri: pathToFileURL(folder).href });
  const { version, problems } = await client.verifyVersion({ version: "other@1" });
  expect(problems).toMatchObject([{ reason: "BASE_MODEL_MISMATCH" }]);
  expect(version?.state).toBe(AdapterVersion_State.STATE_QUARANTINED);
});

test("a base that the configuration does not allow, or that is not there, makes no versions", async () => {
  const imported = (baseUri: string) =>
    failure(client.importVersions({ format: Format.FORMAT_ADAPTER_REGISTRY, content: '[{"id":"unseen"}]', baseUri }));
  expect(await imported("file:///etc")).toMatchObject({ reason: "ADAPTER_FILE_FORBIDDEN" });
  expect(await imported("s3://bucket/models")).toMatchObject({ reason: "ADAPTER_FILE_FORBIDDEN" });
  expect(await imported(pathToFileURL(join(folder, "nowhere")).href)).toMatchObject({ reason: "ARTIFACT_NOT_FOUND" });
  expect(await failure(client.getAdapter({ adapter: "unseen" }))).toMatchObject({ reason: "ADAPTER_NOT_FOUND" });
});

test("a model card is imported, checked where its files are, and comes back", async () => {
  await save("carded", files);
  const content =
    "---\nlibrary_name: peft\npipeline_tag: text-generation\ntags:\n  - lora\nmood: good # unknown\n---\n# Mine\n";
  const baseUri = pathToFileURL(join(folder, "carded")).href;
  const card = { format: Format.FORMAT_MODEL_CARD, content, adapter: "carded", baseUri };
  const { versions } = await client.importVersions(card);
  expect(versions).toMatchObject([{ name: "carded@1", state: AdapterVersion_State.STATE_DECLARED }]);
  expect((await client.importVersions(card)).versions).toEqual(versions);
  expect((await render(Format.FORMAT_MODEL_CARD, "", "carded@1")).content).toBe(content);
  const { problems } = await client.verifyVersion({ version: "carded@1" });
  expect(problems).toEqual([]);
  const rendered = await render(Format.FORMAT_MODEL_CARD, "", "carded@1");
  expect(rendered.content).toBe(content.replace("---\n# Mine", "base_model: tiny\n---\n# Mine"));
});

test("what is wrong with a request is said by its field", async () => {
  const { FORMAT_MODEL_CARD: card, FORMAT_ADAPTER_REGISTRY: registry, FORMAT_UNSPECIFIED: none } = Format;
  const fieldOf = async (call: Promise<unknown>) => (await failure(call)).fields;
  expect(await fieldOf(client.renderVersions({ format: card }))).toEqual(["versions"]);
  expect(await fieldOf(render(card, "", "legal@1", "legal@1"))).toEqual(["versions"]);
  expect(await fieldOf(render(card, "", "legal@1", "legal"))).toEqual(["versions[1]"]);
  expect(await fieldOf(render(card, "/{what}"))).toEqual(["path_template"]);
  expect(await fieldOf(render(none))).toEqual(["format"]);
  expect(await fieldOf(client.importVersions({ format: none, content: "" }))).toEqual(["format"]);
  expect(await fieldOf(client.importVersions({ format: card, content: "", adapter: "Mine" }))).toEqual(["adapter"]);
  expect(await fieldOf(client.importVersions({ format: registry, content: "[]", adapter: "mine" }))).toEqual([
    "adapter",
  ]);
  expect(await fieldOf(client.importVersions({ format: registry, content: "[]", baseUri: "/models" }))).toEqual([
    "base_uri",
  ]);
  expect(await failure(render(card, "", "legal@9"))).toMatchObject({ reason: "VERSION_NOT_FOUND" });
  expect(await failure(render(card, "", "legal@staging"))).toMatchObject({ reason: "ALIAS_NOT_FOUND" });
});

test("rendered_versions", async () => {
  const names = (length: number) => Array.from({ length }, () => "legal@1");
  const { content } = await render(Format.FORMAT_FOLDER_LAYOUT, "", ...names(limits.rendered_versions));
  expect(content.split("\n")).toHaveLength(limits.rendered_versions + 1);
  const refused = await failure(render(Format.FORMAT_FOLDER_LAYOUT, "", ...names(limits.rendered_versions + 1)));
  expect(refused).toMatchObject({ reason: "LIMIT_EXCEEDED", metadata: { limit: "rendered_versions" } });
});

test("rendered_bytes", async () => {
  const channel = createChannel(server.address, undefined, { "grpc.max_receive_message_length": -1 });
  onTestFinished(() => channel.close());
  const wide = createClientWith(AdapterServiceDefinition, channel, server.token);
  const format = Format.FORMAT_ADAPTER_REGISTRY;
  const imported = async (id: string, padding: number) => {
    const content = JSON.stringify([{ id, notes: "x".repeat(padding) }]);
    return (await client.importVersions({ format, content })).versions[0]?.name ?? "";
  };
  const names: string[] = [];
  for (const id of ["a", "b", "c", "d"]) names.push(await imported(id, limits.rendered_bytes / 4 - 10_000));
  const rendered = async (padding: number) =>
    wide.renderVersions({ format, versions: [...names, await imported("e", padding)] });
  const fitting = limits.rendered_bytes - Buffer.byteLength((await rendered(0)).content);
  expect(Buffer.byteLength((await rendered(fitting)).content)).toBe(limits.rendered_bytes);
  expect(await failure(rendered(fitting + 1))).toMatchObject({
    reason: "LIMIT_EXCEEDED",
    metadata: { limit: "rendered_bytes", actual: String(limits.rendered_bytes + 1) },
  });
  expect(await failure(wide.renderVersions({ format, versions: [...names, ...names] }))).toMatchObject({
    metadata: { limit: "rendered_bytes" },
  });
});

async function save(name: string, saved: readonly TinyFile[]): Promise<void> {
  await mkdir(join(folder, name), { recursive: true });
  for (const { path, bytes } of saved) await writeFile(join(folder, name, path), bytes);
}
