import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Method, AdapterVersion_State as State } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { RenderVersionsRequest_Format as Format } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { failure } from "../../../test/support/failure.ts";
import { type RegistryClients, registryClients } from "../../../test/support/registry-calls.ts";
import { startTestRegistry } from "../../../test/support/registry-server.ts";
import type { TestServer } from "../../../test/support/server.ts";
import { tinyAdapter, tinyBaseModel } from "../../../test/support/tiny-adapter.ts";
import { limits } from "../../kit/limits.ts";

const base = "tiny/base";

describe("checking the files of versions", () => {
  let server: TestServer;
  let clients: RegistryClients;
  let root: string;

  beforeAll(async () => {
    root = await mkdtemp(join(await realpath(tmpdir()), "loraloop-verify-"));
    server = await startTestRegistry({ configuration: { artifact_roots: [root] } });
    clients = registryClients(server, server.token);
    await clients.models.registerBaseModel({ baseModel: tinyBaseModel(base) });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(root, { recursive: true });
  });

  async function folderOf(name: string, files = tinyAdapter(base)): Promise<string> {
    const folder = join(root, name);
    await mkdir(folder, { recursive: true });
    for (const { path, bytes } of files) await writeFile(join(folder, path), bytes);
    return folder;
  }

  /** The version that an entry of an `adapter_registry.json` makes. */
  async function imported(id: string, said: object = {}): Promise<string> {
    const entry = { id, domain: ["steuerrecht"], method: "lora", rank: 2, base_model_hash: "abc123", ...said };
    const content = JSON.stringify([{ ...entry, path: id }]);
    const baseUri = pathToFileURL(root).href;
    const { versions } = await clients.adapters.importVersions({
      format: Format.FORMAT_ADAPTER_REGISTRY,
      content,
      baseUri,
    });
    expect(versions).toMatchObject([{ state: State.STATE_DECLARED }]);
    return versions[0]?.name ?? "";
  }

  const verify = (version: string) => clients.adapters.verifyVersion({ version });

  test("an import is served once its files were found right, with what they tell", async () => {
    await folderOf("right");
    const version = await imported("right");
    expect(await failure(clients.adapters.resolveAlias({ name: version }))).toMatchObject({
      reason: "VERSION_NOT_SERVABLE",
      metadata: { version, state: "DECLARED" },
    });
    const verified = await verify(version);
    expect(verified).toMatchObject({
      problems: [],
      version: {
        state: State.STATE_READY,
        method: Method.METHOD_LORA,
        baseModel: { name: base, revision: "main" },
        peft: { r: 2, maximumRank: 2 },
        artifact: { kept: false, uri: pathToFileURL(join(root, "right")).href },
        declared: { baseModelHash: "abc123" },
      },
    });
    expect(verified.version?.artifact?.files).toHaveLength(2);
    expect((await clients.adapters.resolveAlias({ name: version, engine: "vllm" })).version).toEqual(verified.version);
    expect((await verify(version)).problems).toEqual([]);
    await writeFile(join(root, "right", "adapter_config.json"), "{}");
    expect((await verify(version)).problems.map(({ reason }) => reason)).toContain("ADAPTER_FILE_CHANGED");
  });

  test("an import with a fault is taken out of service, and all faults are told", async () => {
    const [configuration] = tinyAdapter(base);
    await folderOf(
      "cut",
      [configuration, { path: "adapter_model.safetensors", bytes: Buffer.from("cut") }].filter(
        (file) => file !== undefined,
      ),
    );
    const cut = await verify(await imported("cut"));
    expect(cut.problems.map(({ reason }) => reason)).toEqual(["ADAPTER_HEADER_INVALID"]);
    expect(cut.version).toMatchObject({ state: State.STATE_QUARANTINED, quarantine: { actor: "" } });
    const nowhere = await verify(await imported("nowhere"));
    expect(nowhere.problems.map(({ reason }) => reason)).toEqual(["ARTIFACT_NOT_FOUND"]);
    await folderOf("unknown-base", tinyAdapter("no/such"));
    const unknown = await verify(await imported("unknown-base"));
    expect(unknown.problems.map(({ reason }) => reason)).toEqual(["BASE_MODEL_NOT_FOUND"]);
    await folderOf("linked");
    await rm(join(root, "linked", "adapter_config.json"));
    await symlink("/etc/passwd", join(root, "linked", "adapter_config.json"));
    const linked = await verify(await imported("linked"));
    expect(linked.problems.map(({ reason }) => reason)).toEqual(["ADAPTER_FILE_FORBIDDEN"]);
  });

  test("an import that says something else than its files is not served", async () => {
    await folderOf("contradicted");
    const { problems, version } = await verify(await imported("contradicted", { method: "dora", rank: 16 }));
    const said = problems.map(({ message }) => message.replace(/\..*/, ""));
    expect(said).toEqual([
      "The imported document says rank 16, its files have 2",
      "The imported document says method DORA, its files have LORA",
    ]);
    expect(version?.state).toBe(State.STATE_QUARANTINED);
  });

  test("an import of which nobody said where its files are stays what it is", async () => {
    const format = Format.FORMAT_ADAPTER_METADATA;
    const content = '{"training":{"lora_rank":2}}';
    const { versions } = await clients.adapters.importVersions({ format, content, adapter: "placeless" });
    expect(versions).toMatchObject([{ name: "placeless@1", state: State.STATE_DECLARED }]);
    expect(await failure(verify("placeless@1"))).toMatchObject({
      reason: "ARTIFACT_NOT_FOUND",
      message: expect.stringContaining("base_uri"),
    });
    const { version } = await clients.adapters.getVersion({ version: "placeless@1" });
    expect(version?.state).toBe(State.STATE_DECLARED);
  });

  test("the base model's revision is what is said, else what adapter_config.json has", async () => {
    const [name, revision] = ["tiny/revised", "r2"];
    await clients.models.registerBaseModel({ baseModel: tinyBaseModel(name) });
    await clients.models.registerBaseModel({ baseModel: { ...tinyBaseModel(name), revision } });
    const [configuration, weights] = tinyAdapter(name);
    const said = { ...JSON.parse(Buffer.from(configuration?.bytes ?? []).toString()), revision };
    const bytes = Buffer.from(JSON.stringify(said));
    await folderOf("revised", [{ path: "adapter_config.json", bytes }, ...(weights ? [weights] : [])]);
    const { version } = await verify(await imported("revised", { base_model: name }));
    expect(version).toMatchObject({ state: State.STATE_READY, baseModel: { name, revision } });
    const files = { $case: "uri", value: pathToFileURL(await folderOf("unrevised", tinyAdapter(name))).href } as const;
    const register = (baseModel: object) => clients.adapters.registerVersion({ adapter: "revised", files, baseModel });
    expect((await register({ revision })).version).toMatchObject({ baseModel: { name, revision } });
    expect(await failure(register({ revision: "nope" }))).toMatchObject({ reason: "BASE_MODEL_NOT_FOUND" });
  });

  test("a version stays what it is when its base model no longer has the name that its configuration says", async () => {
    const register = (otherName: string) =>
      clients.models.registerBaseModel({ baseModel: { ...tinyBaseModel(base), otherNames: [otherName] } });
    await register("/jobs/first");
    const folder = await folderOf("renamed", tinyAdapter("/jobs/first"));
    const files = { $case: "uri", value: pathToFileURL(folder).href } as const;
    await clients.adapters.registerVersion({ adapter: "renamed", files });
    for (let job = 0; job < limits.base_model_names; job++) await register(`/jobs/${job}`);
    expect(await failure(clients.models.getBaseModel({ name: "/jobs/first" }))).toMatchObject({
      reason: "BASE_MODEL_NOT_FOUND",
    });
    expect(await verify("renamed@1")).toMatchObject({ version: { state: State.STATE_READY }, problems: [] });
  });

  test("a digest that others gave is compared where it is one of ours", async () => {
    await folderOf("hashes");
    for (const hash of ["0".repeat(64), `sha256:${"0".repeat(64)}`, "A".repeat(64)]) {
      const wrong = await verify(await imported("hashes", { base_model_hash: hash }));
      expect(wrong.problems.map(({ reason }) => reason)).toEqual(["BASE_MODEL_MISMATCH"]);
    }
    const { weightsDigest } = tinyBaseModel(base);
    const right = await verify(await imported("hashes", { base_model_hash: weightsDigest }));
    expect(right).toMatchObject({ problems: [], version: { state: State.STATE_READY } });
  });

  test("files that stay where they are are registered with their digests, and found changed", async () => {
    const folder = await folderOf("elsewhere");
    const uri = pathToFileURL(folder).href;
    const { version } = await clients.adapters.registerVersion({
      adapter: "elsewhere",
      files: { $case: "uri", value: uri },
    });
    expect(version).toMatchObject({ state: State.STATE_READY, artifact: { uri, kept: false } });
    const [, weights] = tinyAdapter(base, { fill: 0.75 });
    await writeFile(join(folder, "adapter_model.safetensors"), weights?.bytes ?? "");
    expect((await verify("elsewhere@1")).problems.map(({ reason }) => reason)).toEqual(["ADAPTER_FILE_CHANGED"]);
    await rm(folder, { recursive: true });
    expect((await verify("elsewhere@1")).problems.map(({ reason }) => reason)).toEqual(["ARTIFACT_NOT_FOUND"]);
  });
});
