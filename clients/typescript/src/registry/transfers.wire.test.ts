import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestRegistry } from "../../../../test/support/registry-server.ts";
import type { TestServer } from "../../../../test/support/server.ts";
import { tinyAdapter, tinyModel, writeFiles } from "../../../../test/support/tiny-adapter.ts";
import { Client } from "../index.ts";

const base = "tiny/llama";

let folder: string;
let files: string;
let server: TestServer;
let client: Client;
let restarted: Promise<void> | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loraloop-transfers-"));
  await start(0);
  client = new Client({ address: server.address, token: server.token });
  await client.registry.registerBaseModel(writeFiles(join(folder, "model"), tinyModel()), { name: base });
  files = writeFiles(join(folder, "adapter"), [
    ...tinyAdapter(base),
    { path: "large.dat", bytes: randomBytes(48 * 1024 * 1024) },
  ]);
});

afterAll(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function start(port: number): Promise<void> {
  const configuration = { store: "rocksdb", listen_port: port, drain_seconds: 0.3 } as const;
  server = await startTestRegistry({ dataDirectory: join(folder, "data"), configuration });
}

/** Lets the server start again at the first progress; counts how often progress begins anew. */
function interruption(): { readonly begun: () => number; onProgress(progress: { readonly doneBytes: number }): void } {
  restarted = undefined;
  let [begun, last] = [0, Number.POSITIVE_INFINITY];
  return {
    begun: () => begun,
    onProgress: ({ doneBytes }) => {
      if (doneBytes <= last) begun += 1;
      last = doneBytes;
      restarted ??= restart();
    },
  };
}

async function restart(): Promise<void> {
  const port = Number(server.address.split(":").at(-1));
  await server[Symbol.asyncDispose]();
  await start(port);
}

test("an upload goes on where the server starts again, and what is made is made once", async () => {
  const { begun, onProgress } = interruption();
  const version = await client.registry.registerVersion("large", files, { onProgress });
  await restarted;
  expect(begun()).toBeGreaterThan(1);
  expect(version.name).toBe("large@1");
  expect(await client.registry.verifyFolder("large@1", files)).toEqual([]);
});

test("a download, too; nothing unfinished is left", async () => {
  const { begun, onProgress } = interruption();
  const cache = join(folder, "cache");
  const { folder: found, artifact } = await client.registry.download("large@1", { cache, onProgress });
  await restarted;
  expect(begun()).toBeGreaterThan(1);
  expect(await client.registry.verifyFolder("large@1", found)).toEqual([]);
  expect(await readdir(cache)).toEqual([artifact.digest]);
});

test("a transfer that is given up leaves nothing", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const directory = join(folder, "given-up", "copy");
  const download = client.registry.download("large@1", { directory, signal, onProgress: () => controller.abort() });
  await expect(download).rejects.toMatchObject({ name: "AbortError" });
  expect(await readdir(join(folder, "given-up"))).toEqual([]);
});

test("a file that changes while it is sent is refused, and nothing is made", async () => {
  const changing = writeFiles(join(folder, "changing"), [
    ...tinyAdapter(base, { fill: 0.25 }),
    { path: "notes.txt", bytes: Buffer.from("before") },
  ]);
  const onProgress = () => writeFileSync(join(changing, "notes.txt"), "behind");
  const refused = client.registry.registerVersion("changing", changing, { onProgress });
  await expect(refused).rejects.toMatchObject({ name: "RpcError", reason: "ARTIFACT_INVALID" });
  await expect(client.registry.getAdapter("changing")).rejects.toMatchObject({ reason: "ADAPTER_NOT_FOUND" });
});
