import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { type Client, Status } from "nice-grpc";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AdapterServiceDefinition } from "../../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ArtifactServiceDefinition } from "../../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModelServiceDefinition } from "../../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { type Contents, digestOf, filesOf, upload } from "../../../../test/support/artifacts.ts";
import { failure } from "../../../../test/support/failure.ts";
import { startTestRegistry } from "../../../../test/support/registry-server.ts";
import { type S3Server, startS3Server } from "../../../../test/support/s3-server.ts";
import type { TestServer } from "../../../../test/support/server.ts";
import { tinyAdapter, tinyBaseModel } from "../../../../test/support/tiny-adapter.ts";

const adapter: Contents = Object.fromEntries(tinyAdapter("tiny").map(({ path, bytes }) => [path, bytes]));
let s3: S3Server;
let server: TestServer;
let artifacts: Client<ArtifactServiceDefinition>;
let adapters: Client<AdapterServiceDefinition>;

beforeAll(async () => {
  s3 = await startS3Server();
  await s3.createBucket("kept");
  await s3.createBucket("given");
  server = await startTestRegistry({
    configuration: {
      artifact_store: "s3",
      s3_endpoint: s3.endpoint,
      s3_bucket: "kept",
      s3_prefix: "registry",
      s3_roots: ["given/{tenant}"],
    },
  });
  artifacts = server.client(ArtifactServiceDefinition);
  adapters = server.client(AdapterServiceDefinition);
  await server.client(BaseModelServiceDefinition).registerBaseModel({ baseModel: tinyBaseModel("tiny") });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await s3[Symbol.asyncDispose]();
});

async function downloaded(version: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const { message } of artifacts.downloadArtifact({ version })) {
    if (message?.$case === "data") pieces.push(message.value);
  }
  return Buffer.concat(pieces);
}

const whole = Buffer.concat(Object.values(adapter).map((content) => Buffer.from(content)));

test("an uploaded adapter is kept in the bucket, registered from there and downloaded", async () => {
  const artifact = await upload(artifacts, adapter);
  expect(artifact.uri).toBe(`s3://kept/registry/t1/${digestOf(adapter)}`);
  expect(await upload(artifacts, adapter)).toEqual(artifact);
  expect(await readdir(join(server.dataDirectory, "artifacts/staging"))).toEqual([]);
  const files = { $case: "artifact", value: artifact.digest } as const;
  const { version } = await adapters.registerVersion({ adapter: "kept", files });
  expect(version?.artifact).toEqual(artifact);
  expect(await downloaded("kept@1")).toEqual(whole);
});

test("an adapter that lies in a tenant's part of a bucket is registered where it is; changed, it is refused", async () => {
  const put = (path: string, content: string | Uint8Array) =>
    s3.client.send(new PutObjectCommand({ Bucket: "given", Key: `default/line/${path}`, Body: content }));
  for (const [path, content] of Object.entries(adapter)) await put(path, content);
  const uri = "s3://given/default/line";
  const { version } = await adapters.registerVersion({ adapter: "given", files: { $case: "uri", value: uri } });
  expect(version?.artifact).toMatchObject({ uri, kept: false, files: filesOf(adapter) });
  expect(await downloaded("given@1")).toEqual(whole);
  await put("adapter_config.json", "{}");
  expect(await failure(downloaded("given@1"))).toMatchObject({
    reason: "ADAPTER_FILE_CHANGED",
    metadata: { path: "adapter_config.json" },
  });
});

test.each(["s3://given/other/line", "s3://kept/registry/t1", "s3://given", "s3://elsewhere/a"])(
  "%s is not for this tenant",
  async (uri) => {
    const call = adapters.registerVersion({ adapter: "stolen", files: { $case: "uri", value: uri } });
    expect(await failure(call)).toMatchObject({
      code: Status.FAILED_PRECONDITION,
      reason: "ADAPTER_FILE_FORBIDDEN",
      metadata: { path: uri },
    });
  },
);
