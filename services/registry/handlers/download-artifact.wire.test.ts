import { createHash } from "node:crypto";
import { chmod, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Client, Status } from "nice-grpc";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TokenServiceDefinition } from "../../../proto/gen/loraloop/auth/v1/token_service.ts";
import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { AdapterServiceDefinition } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import {
  ArtifactServiceDefinition,
  type DownloadArtifactResponse,
} from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModelServiceDefinition } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { type Contents, filesOf, upload, writeFiles } from "../../../test/support/artifacts.ts";
import { failure } from "../../../test/support/failure.ts";
import { startTestRegistry } from "../../../test/support/registry-server.ts";
import type { TestServer } from "../../../test/support/server.ts";
import { tinyAdapter, tinyBaseModel } from "../../../test/support/tiny-adapter.ts";
import { PIECE_BYTES } from "../artifacts/artifact-store.ts";

type Message = NonNullable<DownloadArtifactResponse["message"]>;

const adapter: Contents = {
  ...Object.fromEntries(tinyAdapter("tiny").map(({ path, bytes }) => [path, bytes])),
  "README.md": "x".repeat(2 * PIECE_BYTES + 1),
  "empty.txt": "",
};
let elsewhere: string;
let server: TestServer;
let artifacts: Client<ArtifactServiceDefinition>;
let adapters: Client<AdapterServiceDefinition>;

beforeAll(async () => {
  elsewhere = await mkdtemp(join(await realpath(tmpdir()), "loraloop-elsewhere-"));
  server = await startTestRegistry({ configuration: { artifact_roots: [elsewhere] } });
  artifacts = server.client(ArtifactServiceDefinition);
  adapters = server.client(AdapterServiceDefinition);
  await server.client(BaseModelServiceDefinition).registerBaseModel({ baseModel: tinyBaseModel("tiny") });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(elsewhere, { recursive: true });
});

async function register(name: string): Promise<AdapterVersion> {
  const { digest } = await upload(artifacts, adapter);
  const { version } = await adapters.registerVersion({ adapter: name, files: { $case: "artifact", value: digest } });
  return version as AdapterVersion;
}

async function download(version: string, allowUnservable = false): Promise<Message[]> {
  const responses = await Array.fromAsync(artifacts.downloadArtifact({ version, allowUnservable }));
  return responses.map(({ message }) => message as Message);
}

/** The files that came, by their paths. */
function received(messages: readonly Message[]): Record<string, Buffer> {
  const files: Record<string, Buffer> = {};
  let path = "";
  for (const message of messages) {
    if (message.$case === "file") {
      path = message.value.path;
      files[path] = Buffer.alloc(0);
    }
    if (message.$case === "data") files[path] = Buffer.concat([files[path] as Buffer, message.value]);
  }
  return files;
}

test("all files come in order, byte for byte, between start and end", async () => {
  const version = await register("whole");
  await adapters.moveAlias({ adapter: "whole", alias: "production", version: 1, reason: "" });
  for (const name of ["whole@1", "whole@production"]) {
    const messages = await download(name);
    expect(messages[0]).toEqual({ $case: "start", value: { artifact: version.artifact, version: "whole@1" } });
    expect(messages.at(-1)).toEqual({ $case: "end", value: {} });
    expect(messages.flatMap(({ $case, value }) => ($case === "file" ? [value] : []))).toEqual(filesOf(adapter));
    const sizes = messages.flatMap(({ $case, value }) => ($case === "data" ? [value.length] : []));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(PIECE_BYTES);
    const files = received(messages);
    for (const [path, content] of Object.entries(adapter)) expect(files[path]).toEqual(Buffer.from(content));
  }
});

test("of a version that may not be served nothing comes, unless it is allowed", async () => {
  await register("quarantined");
  await adapters.quarantineVersion({ version: "quarantined@1", reason: "bad answers" });
  expect(await failure(download("quarantined@1"))).toMatchObject({
    code: Status.FAILED_PRECONDITION,
    reason: "VERSION_NOT_SERVABLE",
    metadata: { state: "QUARANTINED" },
  });
  expect(received(await download("quarantined@1", true))).toHaveProperty("README.md");
  await adapters.deleteVersion({ version: "quarantined@1" });
  expect(await failure(download("quarantined@1"))).toMatchObject({ metadata: { state: "DELETED" } });
  expect(received(await download("quarantined@1", true))).toHaveProperty("README.md");
});

test("what is not there is named; another tenant finds nothing", async () => {
  await register("mine");
  expect(await failure(download("mine@2"))).toMatchObject({ reason: "VERSION_NOT_FOUND" });
  expect(await failure(download("mine@none"))).toMatchObject({ reason: "ALIAS_NOT_FOUND" });
  expect(await failure(download("mine"))).toMatchObject({ reason: "FIELD_INVALID", fields: ["version"] });
  const system = server.client(TokenServiceDefinition, server.systemToken);
  const { secret } = await system.createToken({ tenant: "other", scopes: ["admin"] });
  const other = server.client(ArtifactServiceDefinition, secret);
  expect(await failure(other.downloadArtifact({ version: "mine@1" }))).toMatchObject({ reason: "VERSION_NOT_FOUND" });
});

test("a kept file that was changed ends the stream with its name, and before `end`", async () => {
  const { artifact } = await register("damaged");
  const file = join(fileURLToPath(artifact?.uri ?? ""), "README.md");
  await chmod(file, 0o644);
  await writeFile(file, "y".repeat(2 * PIECE_BYTES + 1));
  expect(await failure(download("damaged@1"))).toMatchObject({
    reason: "ADAPTER_FILE_CHANGED",
    metadata: { path: "README.md", expected: expect.stringContaining(filesOf(adapter)[0]?.digest ?? "") },
  });
  await rm(file);
  expect(await failure(download("damaged@1"))).toMatchObject({ reason: "ADAPTER_FILE_MISSING" });
});

test("files that lie elsewhere are read where they are, and only as they were registered", async () => {
  await writeFiles(elsewhere, adapter);
  const uri = `file://${elsewhere}`;
  const { version } = await adapters.registerVersion({ adapter: "elsewhere", files: { $case: "uri", value: uri } });
  expect(version?.artifact).toMatchObject({ uri, kept: false, files: filesOf(adapter) });
  expect(received(await download("elsewhere@1"))).toHaveProperty("README.md");
  await writeFile(join(elsewhere, "README.md"), "x".repeat(2 * PIECE_BYTES + 2));
  expect(await failure(download("elsewhere@1"))).toMatchObject({
    reason: "ADAPTER_FILE_CHANGED",
    metadata: { path: "README.md" },
  });
});

test("a reader that goes away lets go of the files; a server that stops says so", async () => {
  const other = await startTestRegistry({ configuration: { drain_seconds: 30 } });
  const client = other.client(ArtifactServiceDefinition);
  await other.client(BaseModelServiceDefinition).registerBaseModel({ baseModel: tinyBaseModel("tiny") });
  const large = { ...adapter, "large.txt": Buffer.alloc(32 * 1024 * 1024, 97) };
  const { digest } = await upload(client, large);
  const files = { $case: "artifact", value: digest } as const;
  await other.client(AdapterServiceDefinition).registerVersion({ adapter: "a", files });
  for await (const { message } of client.downloadArtifact({ version: "a@1" })) if (message?.$case === "data") break;
  const hash = createHash("sha256");
  let closed: Promise<void> | undefined;
  const reading = (async () => {
    for await (const { message } of client.downloadArtifact({ version: "a@1" })) {
      if (message?.$case === "data") hash.update(message.value);
      closed ??= other.service.close();
    }
  })();
  expect(await failure(reading)).toMatchObject({ code: Status.UNAVAILABLE, reason: "DRAINING" });
  await closed;
  await other[Symbol.asyncDispose]();
});
