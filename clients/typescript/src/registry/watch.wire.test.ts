import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestRegistry } from "../../../../test/support/registry-server.ts";
import type { TestServer } from "../../../../test/support/server.ts";
import { Client } from "../index.ts";

let folder: string;
let server: TestServer;
let client: Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loraloop-watch-"));
  await start(0);
  client = new Client({ address: server.address, token: server.token });
});

afterAll(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function start(port: number): Promise<void> {
  const configuration = { store: "rocksdb", listen_port: port, drain_seconds: 0.3 } as const;
  server = await startTestRegistry({ dataDirectory: folder, configuration });
}

async function restart(): Promise<void> {
  const port = Number(server.address.split(":").at(-1));
  await server[Symbol.asyncDispose]();
  await start(port);
}

async function firstOf<Item>(items: AsyncIterable<Item>): Promise<Item | undefined> {
  for await (const item of items) return item;
  return undefined;
}

test("every change once and in order, over a server that starts again; later, from any revision", async () => {
  const seen: { revision: bigint; name: string }[] = [];
  const controller = new AbortController();
  const watching = (async () => {
    for await (const { revision, changes } of client.registry.watch({ afterRevision: 0n, signal: controller.signal }))
      for (const { value } of changes) if ("name" in value) seen.push({ revision, name: value.name });
  })();
  const names = Array.from({ length: 20 }, (_, number) => `adapter-${number}`);
  for (const [place, adapter] of names.entries()) {
    await client.registry.adapters.putAdapter({ adapter });
    if (place === 9) await restart();
  }
  await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(names.length);
  controller.abort();
  await expect(watching).rejects.toMatchObject({ name: "AbortError" });
  expect(seen.map(({ name }) => name)).toEqual(names);
  const after = seen[14]?.revision ?? 0n;
  const later: string[] = [];
  for await (const { changes } of client.registry.watch({ afterRevision: after })) {
    for (const { value } of changes) if ("name" in value) later.push(value.name);
    if (later.length === 5) break;
  }
  expect(later).toEqual(names.slice(15));
});

test("only of one adapter", async () => {
  const { revision } = await client.registry.adapters.listAdapters({ pageSize: 1 });
  await client.registry.adapters.putAdapter({ adapter: "other" });
  await client.registry.adapters.putAdapter({ adapter: "mine", description: "this one" });
  for await (const { changes } of client.registry.watch({ afterRevision: revision, adapter: "mine" })) {
    if (changes.length === 0) continue;
    expect(changes).toMatchObject([{ $case: "adapter", value: { name: "mine", description: "this one" } }]);
    break;
  }
});

test("changes that are no longer kept end a watch with an error of its own", async () => {
  const dataDirectory = join(folder, "short");
  const configuration = { store: "rocksdb", retention_hours: 1e-6 } as const;
  for (const adapter of ["one", "two", "three"]) {
    // History is compacted when a server starts.
    await using short = await startTestRegistry({ dataDirectory, configuration });
    await using its = new Client({ address: short.address, token: short.token });
    await its.registry.adapters.putAdapter({ adapter });
  }
  await using short = await startTestRegistry({ dataDirectory, configuration });
  await using its = new Client({ address: short.address, token: short.token });
  const watched = () => firstOf(its.registry.watch({ afterRevision: 1n })).catch((error: unknown) => error);
  await expect.poll(watched).toMatchObject({ name: "RevisionCompactedError", afterRevision: 1n });
  const list = its.registry.listAdapters();
  expect(() => list.revision).toThrow("once its first page has come");
  expect(await Array.fromAsync(list)).toHaveLength(3);
  await its.registry.adapters.putAdapter({ adapter: "four" });
  const commit = await firstOf(its.registry.watch({ afterRevision: list.revision }));
  expect(commit).toMatchObject({ changes: [{ value: { name: "four" } }] });
});
