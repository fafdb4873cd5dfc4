import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TokenServiceDefinition } from "../proto/gen/loraloop/auth/v1/token_service.ts";
import { CorpusServiceDefinition } from "../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { AdapterServiceDefinition } from "../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { failure } from "../test/support/failure.ts";
import { startTestServers } from "../test/support/registry-server.ts";
import type { TestServer } from "../test/support/server.ts";
import { readAllConfigurations } from "./all.ts";

describe("all services in one process", () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServers({ export: { store: "rocksdb" }, registry: { store: "rocksdb" } });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("one token is for all of them; a tenant made once is there in all of them", async () => {
    const system = server.client(TokenServiceDefinition, server.systemToken);
    const { secret } = await system.createToken({ tenant: "acme", scopes: ["admin"] });
    for (const token of [server.token, secret]) {
      expect((await server.client(CorpusServiceDefinition, token).listCollections({})).collections).toEqual([]);
      expect((await server.client(AdapterServiceDefinition, token).listAdapters({})).adapters).toEqual([]);
    }
  });

  test("each asks for its own scopes", async () => {
    const { secret } = await server.client(TokenServiceDefinition).createToken({ scopes: ["registry.read"] });
    await server.client(AdapterServiceDefinition, secret).listAdapters({});
    expect(await failure(server.client(AdapterServiceDefinition, secret).putAdapter({ adapter: "a" }))).toMatchObject({
      metadata: { scope: "registry.write" },
    });
    expect(await failure(server.client(CorpusServiceDefinition, secret).listCollections({}))).toMatchObject({
      metadata: { scope: "corpus.read" },
    });
  });

  test("each has a store of its own, and there is one pair of tokens", async () => {
    await access(join(server.dataDirectory, "store"));
    await access(join(server.dataDirectory, "registry", "store"));
    expect(await readdir(server.dataDirectory)).toEqual(expect.arrayContaining(["token", "system-token"]));
    expect(await readdir(join(server.dataDirectory, "registry"))).not.toContain("token");
  });
});

test("the environment configures each service; keys of the process count for both", () => {
  const environment = {
    LORALOOP_EXPORT_RENDERING_THREADS: "2",
    LORALOOP_REGISTRY_ARTIFACT_ROOTS: '["/mnt/adapters"]',
    LORALOOP_REGISTRY_ADDRESS: "elsewhere:1",
  };
  const configurations = readAllConfigurations({ data_directory: "/data", log_level: "warn" }, environment);
  expect(configurations.export).toMatchObject({ data_directory: "/data", log_level: "warn", rendering_threads: 2 });
  expect(configurations.registry).toMatchObject({
    data_directory: "/data/registry",
    log_level: "warn",
    artifact_roots: ["/mnt/adapters"],
  });
});
