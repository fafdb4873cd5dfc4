import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Client, Status } from "nice-grpc";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { TokenServiceDefinition } from "../../../proto/gen/loraloop/auth/v1/token_service.ts";
import {
  ArtifactServiceDefinition,
  UploadArtifactRequest,
} from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import {
  type Contents,
  commitMessage,
  dataMessage,
  digestOf,
  fileMessage,
  filesOf,
  startMessage,
  toStream,
  type UploadMessage,
  upload,
  uploadMessages,
} from "../../../test/support/artifacts.ts";
import { failure } from "../../../test/support/failure.ts";
import { openRawConnection, rawFrame } from "../../../test/support/raw-call.ts";
import { startTestRegistry } from "../../../test/support/registry-server.ts";
import type { TestServer } from "../../../test/support/server.ts";
import { limits } from "../../kit/limits.ts";

const maximumGib = 1 / 1024 ** 2;
const path = "/loraloop.registry.v1.ArtifactService/UploadArtifact";
let server: TestServer;
let client: Client<ArtifactServiceDefinition>;

beforeAll(async () => {
  server = await startTestRegistry({ configuration: { maximum_artifact_gib: maximumGib } });
  client = server.client(ArtifactServiceDefinition);
});
afterAll(() => server[Symbol.asyncDispose]());

function send(...messages: UploadMessage[]) {
  return client.uploadArtifact(toStream(messages));
}

/** What is left of uploads that run no more. */
async function leftovers(): Promise<string[]> {
  return readdir(join(server.dataDirectory, "artifacts/staging")).catch(() => []);
}

async function keptDigests(): Promise<string[]> {
  return readdir(join(server.dataDirectory, "artifacts/t1")).catch(() => []);
}

const contents: Contents = {
  "README.md": "# Legal",
  "adapter_config.json": "{}",
  "notes/ü.txt": "",
  "w.safetensors": "w".repeat(500),
};

test("an artifact is kept as a folder under its digest, and the same again gives the same", async () => {
  const artifact = await upload(client, contents);
  const folder = join(server.dataDirectory, "artifacts/t1", digestOf(contents));
  expect(artifact).toEqual({
    digest: digestOf(contents),
    uri: `file://${folder}`,
    files: filesOf(contents),
    byteCount: 509n,
    kept: true,
  });
  await access(join(folder, "notes/ü.txt"));
  expect(await client.uploadArtifact(toStream(uploadMessages(contents, 3)))).toEqual({ artifact });
  expect(await client.getArtifact({ digest: artifact.digest })).toEqual({ artifact });
  expect(await leftovers()).toEqual([]);
});

test("twenty uploads of the same files at once give one artifact", async () => {
  const same: Contents = { "a.json": "twenty" };
  const artifacts = await Promise.all(Array.from({ length: 20 }, () => upload(client, same)));
  expect(new Set(artifacts.map(({ digest }) => digest))).toEqual(new Set([digestOf(same)]));
  expect(await leftovers()).toEqual([]);
});

describe("is refused, and leaves nothing:", () => {
  let before: string[];
  beforeEach(async () => {
    before = await keptDigests();
  });

  async function expectRefused(messages: readonly UploadMessage[], expected: object): Promise<void> {
    expect(await failure(send(...messages))).toMatchObject(expected);
    expect(await leftovers()).toEqual([]);
    expect(await keptDigests()).toEqual(before);
  }

  const invalid = (problem: RegExp, more = {}) => ({
    code: Status.INVALID_ARGUMENT,
    reason: "ARTIFACT_INVALID",
    metadata: { problem: expect.stringMatching(problem), ...more },
  });
  const a = fileMessage("a", 1);
  const byte = dataMessage(Buffer.of(97));
  const digest = digestOf({ a: "a" });

  test.each<[string, UploadMessage[], RegExp]>([
    ["no message", [], /first message/],
    ["no start", [a, byte, commitMessage(digest)], /first message/],
    ["a second start", [startMessage, startMessage], /none of file/],
    ["an empty message", [startMessage, {}], /none of file/],
    ["bytes before the first file", [startMessage, byte], /before the first file/],
    ["no commit", [startMessage, a, byte], /without commit/],
    ["no file", [startMessage, commitMessage(digestOf({}))], /no file/],
    ["another digest", [startMessage, a, byte, commitMessage("0".repeat(64))], /digest/],
    ["too many bytes", [startMessage, a, byte, byte], /more than 1/],
    ["too few bytes", [startMessage, fileMessage("a", 2), byte, commitMessage(digest)], /only 1/],
    ["too few bytes before the next file", [startMessage, fileMessage("a", 2), byte, fileMessage("b", 0)], /only 1/],
    ["files in another order", [startMessage, fileMessage("b", 0), fileMessage("a", 0)], /comes after/],
    ["a file twice", [startMessage, fileMessage("a", 0), fileMessage("a", 0)], /comes after/],
    ["a file that is a folder too", [startMessage, fileMessage("a", 0), fileMessage("a/b", 0)], /another file/],
    ["an empty path", [startMessage, fileMessage("", 0)], /empty part/],
    ["an empty part", [startMessage, fileMessage("a//b", 0)], /empty part/],
    ["a backslash", [startMessage, fileMessage("a\\b", 0)], /backslash/],
    ["a control character", [startMessage, fileMessage("a\0b", 0)], /control/],
    ["a part that no disk takes", [startMessage, fileMessage("a".repeat(256), 0)], /255 bytes/],
  ])("%s", async (_, messages, problem) => {
    await expectRefused(messages, {
      ...invalid(problem),
      metadata: expect.objectContaining({ problem: expect.stringMatching(problem) }),
    });
  });

  test.each([["../a"], ["a/../../b"], ["/etc/passwd"], [".."]])("the path %j, which leads out", async (file) => {
    await expectRefused([startMessage, fileMessage(file, 0)], {
      code: Status.FAILED_PRECONDITION,
      reason: "ADAPTER_FILE_FORBIDDEN",
      metadata: { path: file },
    });
  });

  test("a pickle, by its name or by its first bytes", async () => {
    const expected = { reason: "ADAPTER_FILE_FORBIDDEN", message: expect.stringContaining("save_file") };
    await expectRefused([startMessage, fileMessage("adapter_model.bin", 10)], expected);
    const pickle = Buffer.from("80049500000000", "hex");
    const begin = [startMessage, fileMessage("w.safetensors", 7)];
    await expectRefused([...begin, dataMessage(pickle), commitMessage(digest)], expected);
    await expectRefused([...begin, ...[...pickle].map((one) => dataMessage(Buffer.of(one)))], expected);
  });

  const exceeded = (limit: string, actual: number) => ({
    code: Status.INVALID_ARGUMENT,
    reason: "LIMIT_EXCEEDED",
    metadata: expect.objectContaining({ limit, actual: String(actual) }),
  });

  test("more bytes than the configuration allows, at the announcement", async () => {
    await expectRefused([startMessage, fileMessage("a", 1025)], exceeded("maximum_artifact_gib", 1025));
    const half = [fileMessage("a", 512), dataMessage(Buffer.alloc(512))];
    await expectRefused([startMessage, ...half, fileMessage("b", 513)], exceeded("maximum_artifact_gib", 1025));
  });

  test("a longer path than the limit", async () => {
    const long = "a/".repeat(limits.artifact_path_bytes / 2);
    await expectRefused([startMessage, fileMessage(`${long}b`, 0)], exceeded("artifact_path_bytes", long.length + 1));
  });

  test("more data in a message than the limit", async () => {
    const message = dataMessage(Buffer.alloc(limits.upload_data_bytes + 1));
    await expectRefused(
      [startMessage, fileMessage("a", 1), message],
      exceeded("upload_data_bytes", limits.upload_data_bytes + 1),
    );
  });

  test("a digest that is none", async () => {
    await expectRefused([startMessage, a, byte, commitMessage("AB")], { reason: "FIELD_INVALID", fields: ["digest"] });
  });

  test("more files than the limit, while as many are kept", async () => {
    const many: Contents = Object.fromEntries(Array.from({ length: limits.artifact_files }, (_, n) => [`f${n}`, ""]));
    expect((await upload(client, many)).files).toHaveLength(limits.artifact_files);
    before = await keptDigests();
    await expectRefused([...uploadMessages({ ...many, z: "" })], exceeded("artifact_files", limits.artifact_files + 1));
  });
});

test("what fits the limits exactly is kept", async () => {
  expect((await upload(client, { a: "x".repeat(1024) })).byteCount).toBe(1024n);
  const long = `${"a/".repeat(limits.artifact_path_bytes / 2 - 1)}bb`;
  expect((await upload(client, { [long]: "x" })).files[0]?.path).toBe(long);
});

test("a digest that is not there, or none, is named", async () => {
  const digest = "0".repeat(64);
  expect(await failure(client.getArtifact({ digest }))).toMatchObject({
    code: Status.NOT_FOUND,
    reason: "ARTIFACT_NOT_FOUND",
    metadata: { artifact: digest },
  });
  expect(await failure(client.getArtifact({ digest: "../x" }))).toMatchObject({ reason: "FIELD_INVALID" });
});

test("one tenant's artifacts are not there for another", async () => {
  const system = server.client(TokenServiceDefinition, server.systemToken);
  const { secret } = await system.createToken({ tenant: "other", scopes: ["admin"] });
  const other = server.client(ArtifactServiceDefinition, secret);
  const mine = await upload(client, { a: "mine" });
  expect(await failure(other.getArtifact({ digest: mine.digest }))).toMatchObject({ reason: "ARTIFACT_NOT_FOUND" });
  const theirs = await upload(other, { a: "mine" });
  expect(theirs.digest).toBe(mine.digest);
  expect(theirs.uri).not.toBe(mine.uri);
});

/** Messages that stop coming after some; resolves `begun` when the server has taken the file. */
function unfinished() {
  const { promise: never, resolve: end } = Promise.withResolvers<void>();
  async function* messages(): AsyncGenerator<UploadMessage> {
    yield startMessage;
    yield fileMessage("a", 100);
    yield dataMessage(Buffer.alloc(10));
    await never;
  }
  return { messages: messages(), end };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  await expect.poll(condition, { interval: 10, timeout: 10_000 }).toBe(true);
}

test("an upload that is cancelled leaves nothing", async () => {
  const { messages, end } = unfinished();
  const controller = new AbortController();
  const call = client.uploadArtifact(messages, { signal: controller.signal }).catch((error: Error) => error);
  await until(async () => (await leftovers()).length === 1);
  controller.abort();
  expect(await call).toMatchObject({ name: "AbortError" });
  end();
  await until(async () => (await leftovers()).length === 0);
});

test("an upload whose connection breaks leaves nothing", async () => {
  const raw = openRawConnection(server.address);
  const call = raw.call(path, { authorization: `Bearer ${server.token}` });
  for (const message of [startMessage, fileMessage("a", 100)]) {
    call.stream.write(rawFrame(UploadArtifactRequest.encode(UploadArtifactRequest.fromPartial(message)).finish()));
  }
  await until(async () => (await leftovers()).length === 1);
  raw[Symbol.dispose]();
  await until(async () => (await leftovers()).length === 0);
});

test("an upload whose token is not good for it is refused before it begins", async () => {
  const reader = server.client(TokenServiceDefinition);
  const { secret } = await reader.createToken({ scopes: ["registry.read"] });
  expect(await failure(upload(server.client(ArtifactServiceDefinition, secret), { a: "a" }))).toMatchObject({
    reason: "SCOPE_MISSING",
  });
});

test("a server that stops ends an upload at once, and leaves nothing", async () => {
  await using other = await startTestRegistry({ configuration: { drain_seconds: 30 } });
  const { messages, end } = unfinished();
  const staging = join(other.dataDirectory, "artifacts/staging");
  const call = failure(other.client(ArtifactServiceDefinition).uploadArtifact(messages));
  await until(async () => (await readdir(staging).catch(() => [])).length === 1);
  const start = performance.now();
  const closed = other.service.close();
  expect(await call).toMatchObject({ code: Status.UNAVAILABLE, reason: "DRAINING" });
  end();
  await closed;
  expect(performance.now() - start).toBeLessThan(10_000);
  expect(await readdir(staging)).toEqual([]);
});
