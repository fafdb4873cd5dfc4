import { writeFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RegisterVersionRequest } from "../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { type Failure, failure } from "../../test/support/failure.ts";
import { type RegistryClients, registryClients } from "../../test/support/registry-calls.ts";
import { startTestRegistry } from "../../test/support/registry-server.ts";
import type { TestServer } from "../../test/support/server.ts";
import { SpoiledAdapter } from "../../test/support/spoiled/adapter.ts";
import { type SpoiledCase, spoiledBase } from "../../test/support/spoiled/case.ts";
import { spoiledCases } from "../../test/support/spoiled/cases.ts";
import { type TinyFile, tinyAdapter, uploadFiles } from "../../test/support/tiny-adapter.ts";

/** Cases of a registration; what the files were before is VerifyVersion's. */
const cases = Object.entries(spoiledCases).filter(([, { declared }]) => declared?.files === undefined);

describe("spoiled adapters, registered where they lie", () => {
  let root: string;
  let server: TestServer;
  let clients: RegistryClients;

  beforeAll(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), "loraloop-spoiled-root-")));
    server = await startTestRegistry({ configuration: { artifact_roots: [root] } });
    clients = registryClients(server, server.token);
    await clients.models.registerBaseModel({ baseModel: spoiledBase });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(root, { recursive: true, force: true });
  });

  const register = (uri: string, request: Partial<RegisterVersionRequest> = {}): Promise<Failure> =>
    failure(
      clients.adapters.registerVersion({
        ...request,
        adapter: "spoiled",
        files: { $case: "uri", value: uri },
        alias: "production",
      }),
    );

  async function refusal({ spoil, declared }: SpoiledCase): Promise<Failure> {
    await using adapter = await SpoiledAdapter.make(spoiledBase.name, root);
    const later = spoil?.(adapter);
    await adapter.write();
    if (typeof later === "function") await later();
    const baseModel = declared?.baseModel ?? { ...spoiledBase, weightsDigest: "", tokenizerDigest: "" };
    const method = declared?.method;
    return await register(pathToFileURL(adapter.folder).href, { baseModel, ...(method !== undefined && { method }) });
  }

  test("none of them is ever seen, and memory stays bounded", { timeout: 120_000 }, async () => {
    const { revision } = await clients.adapters.listVersions({});
    const before = process.memoryUsage().rss;
    for (const [name, one] of cases) {
      const { reason, message } = await refusal(one);
      expect.soft(reason, `${name}: ${message}`).toBe(one.reason);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
    expect((await clients.adapters.listAdapters({ includeDeleted: true })).adapters).toEqual([]);
    const versions = await clients.adapters.listVersions({ includeDeleted: true });
    expect(versions).toMatchObject({ versions: [], revision });
    expect((await clients.adapters.listAliasMoves({ adapter: "spoiled" }).catch(() => ({ moves: [] }))).moves).toEqual(
      [],
    );
    for await (const { change } of clients.adapters.watchAdapters({ afterRevision: 0n })) {
      expect(change?.$case).toBe("checkpoint");
      break;
    }
  });

  test("a folder of 100,000 files is refused after the first 1,000", { timeout: 120_000 }, async () => {
    await using adapter = await SpoiledAdapter.make(spoiledBase.name, root);
    await adapter.write();
    for (let number = 0; number < 100_000; number++) writeFileSync(join(adapter.folder, `${number}.txt`), "");
    const { reason, metadata } = await register(pathToFileURL(adapter.folder).href);
    expect({ reason, metadata }).toMatchObject({ reason: "LIMIT_EXCEEDED", metadata: { limit: "artifact_files" } });
  });

  test("folders outside of the roots are refused, whatever lies there", async () => {
    const outside = [
      `${pathToFileURL(root).href}/../other`,
      "file:///etc",
      "file:///does/not/exist",
      "s3://bucket/prefix",
    ];
    for (const uri of outside) expect((await register(uri)).reason, uri).toBe("ADAPTER_FILE_FORBIDDEN");
    expect(await register(`${pathToFileURL(root).href}/nothing`)).toMatchObject({ reason: "ARTIFACT_NOT_FOUND" });
  });

  test.each(["../adapter_model.safetensors", "/etc/passwd", "a/../../b"])(
    "an upload of %s is refused",
    async (path) => {
      const files: TinyFile[] = [{ path, bytes: Buffer.from("x") }, ...tinyAdapter(spoiledBase.name)];
      expect(await failure(uploadFiles(clients.artifacts, files))).toMatchObject({
        reason: "ADAPTER_FILE_FORBIDDEN",
        metadata: { path },
      });
    },
  );
});
