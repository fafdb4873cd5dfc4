import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digestOf, filesOf, writeFiles } from "../../../../test/support/artifacts.ts";
import { type S3Server, startS3Server } from "../../../../test/support/s3-server.ts";
import { temporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { artifactFilesConformance } from "../conformance/files.ts";
import { artifactStoreConformance } from "../conformance/store.ts";
import { Bucket } from "./bucket.ts";
import { BucketFiles } from "./files.ts";
import { openS3, type S3 } from "./open.ts";

let server: S3Server;
let s3: S3;
let places = 0;

beforeAll(async () => {
  server = await startS3Server();
  await server.createBucket("adapters");
  s3 = openS3({ endpoint: server.endpoint, region: "us-east-1" });
});
afterAll(async () => {
  s3[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

function newPrefix(): string {
  places += 1;
  return `place ${places}`;
}

async function put(key: string, content: string | Uint8Array): Promise<void> {
  await server.client.send(new PutObjectCommand({ Bucket: "adapters", Key: key, Body: content }));
}

async function keysBelow(prefix: string): Promise<string[]> {
  const { Contents = [] } = await server.client.send(new ListObjectsV2Command({ Bucket: "adapters", Prefix: prefix }));
  return Contents.map(({ Key = "" }) => Key.slice(prefix.length));
}

artifactStoreConformance("a bucket", { open: async () => s3.store("adapters", newPrefix()) });

artifactFilesConformance("a bucket", {
  async create(contents) {
    const prefix = `${newPrefix()}/`;
    const all = Object.entries(contents);
    for (let start = 0; start < all.length; start += 20) {
      await Promise.all(all.slice(start, start + 20).map(([path, content]) => put(prefix + path, content)));
    }
    return {
      files: new BucketFiles(new Bucket(server.client, "adapters"), prefix),
      write: (path, content) => put(prefix + path, content),
      async remove(path) {
        await server.client.send(new DeleteObjectCommand({ Bucket: "adapters", Key: prefix + path }));
      },
    };
  },
});

const contents = { "a.json": "{}", "z.safetensors": "weights" };
const digest = digestOf(contents);

test("a put that was broken off is not there: the manifest comes last; removal takes what it left", async () => {
  const prefix = newPrefix();
  const store = s3.store("adapters", prefix);
  const folder = await temporaryFolder();
  await writeFiles(folder, { "a.json": "{}" });
  await expect(store.put(1, digest, { folder, files: filesOf(contents) })).rejects.toMatchObject({
    reason: "STORE_UNAVAILABLE",
  });
  expect(await keysBelow(`${prefix}/`)).toEqual([`t1/${digest}/a.json`]);
  expect(await store.open(1, digest)).toBeUndefined();
  expect(await Array.fromAsync(store.digests(1))).toEqual([digest]);
  await store.remove(1, digest);
  expect(await keysBelow(`${prefix}/`)).toEqual([]);
});

test("a place below a root is opened by its URI, folder marks aside; others are refused", async () => {
  const prefix = newPrefix();
  await put(`${prefix}/line/`, "");
  await put(`${prefix}/line/a.json`, "{}");
  await put(`${prefix}/line2/b.json`, "{}");
  const names = ["adapters", prefix, "line"];
  const located = await s3.locate(names, ["other", `adapters/${prefix}`]);
  expect(located.uri).toBe(`s3://adapters/${prefix}/line`);
  expect((await located.files.list()).map(({ path }) => path)).toEqual(["a.json"]);
  for (const roots of [[], ["adapter"], [`adapters/${prefix}/lin`], [`adapters/${prefix}/line/below`]]) {
    await expect(s3.locate(names, roots)).rejects.toMatchObject({ reason: "ADAPTER_FILE_FORBIDDEN" });
  }
  await expect(s3.locate(["adapters", "nothing"], ["adapters"])).rejects.toMatchObject({
    reason: "ARTIFACT_NOT_FOUND",
  });
});

test("a bucket that is not there, or a service that is away, is said to be unavailable", async () => {
  const unavailable = { reason: "STORE_UNAVAILABLE" };
  await expect(s3.locate(["no-such-bucket", "a"], ["no-such-bucket"])).rejects.toMatchObject(unavailable);
  await expect(
    s3.store("no-such-bucket", "").put(1, digest, { folder: "", files: filesOf(contents) }),
  ).rejects.toMatchObject(unavailable);
  using away = openS3({ endpoint: "http://127.0.0.1:9", region: "us-east-1" });
  await expect(away.store("adapters", "").open(1, digest)).rejects.toMatchObject(unavailable);
});
