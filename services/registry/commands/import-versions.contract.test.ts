import type { Client } from "nice-grpc";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AdapterVersion_State } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import {
  AdapterServiceDefinition,
  RenderVersionsRequest_Format as Format,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { failure } from "../../../test/support/failure.ts";
import { startTestRegistry } from "../../../test/support/registry-server.ts";
import type { TestServer } from "../../../test/support/server.ts";
import { storeConfiguration, storeKinds } from "../../../test/support/stores.ts";

const format = Format.FORMAT_ADAPTER_REGISTRY;
const entry = {
  id: "steuerrecht-lora-r16-v1",
  domain: ["steuerrecht"],
  method: "lora",
  rank: 16,
  base_model_hash: "abc123",
  metrics: { ppl_dev: 7.1 },
  dataset_ref: "data/training_batches/steuer_202509.jsonl",
  owner: { team: "tax" },
};
const document = (...entries: object[]) => `${JSON.stringify(entries, undefined, 2)}\n`;

describe.each(storeKinds)("on %s", (kind) => {
  let server: TestServer;
  let client: Client<typeof AdapterServiceDefinition>;
  beforeEach(async () => {
    server = await startTestRegistry({ configuration: storeConfiguration(kind) });
    client = server.client(AdapterServiceDefinition);
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const names = async () => (await client.listVersions({})).versions.map(({ name }) => name);

  test("many documents are imported at once into the same adapters", async () => {
    const calls = Array.from({ length: 48 }, (_, place) => {
      const [one, other] = place % 2 === 0 ? ["tax", "law"] : ["law", "tax"];
      const content = document({ ...entry, id: one, rank: place + 1 }, { ...entry, id: other, rank: place + 1 });
      return client.importVersions({ format, content });
    });
    const made = (await Promise.all(calls)).flatMap(({ versions }) => versions.map(({ name }) => name));
    expect(new Set(made).size).toBe(96);
  });

  test("entries become declared versions of adapters that are made for them, and come back as they were", async () => {
    const content = document(entry, { ...entry, id: "medizin" }, { ...entry, rank: 8 });
    const { versions } = await client.importVersions({ format, content });
    expect(versions.map(({ name }) => name)).toEqual([
      "steuerrecht-lora-r16-v1@1",
      "medizin@1",
      "steuerrecht-lora-r16-v1@2",
    ]);
    const { version } = await client.getVersion({ version: "steuerrecht-lora-r16-v1@1" });
    expect(version).toMatchObject({
      state: AdapterVersion_State.STATE_DECLARED,
      metrics: { ppl_dev: 7.1 },
      declared: { baseModelHash: "abc123", id: entry.id, format: "adapter_registry" },
      servability: [],
    });
    expect(version?.createTime).toBeDefined();
    expect(version?.creator).not.toBe("");
    const ordered = versions.map(({ name }) => name);
    expect(await client.renderVersions({ format, versions: ordered })).toEqual({
      content,
      fileName: "adapter_registry.json",
    });
    const { adapter } = await client.getAdapter({ adapter: entry.id });
    expect(adapter).toMatchObject({ latestVersion: 2 });
  });

  test("the same again, and the same twice in a document, is the same version", async () => {
    const { versions: first } = await client.importVersions({ format, content: document(entry, entry) });
    expect(first.map(({ name }) => name)).toEqual([`${entry.id}@1`, `${entry.id}@1`]);
    const { versions: again } = await client.importVersions({ format, content: JSON.stringify([entry]) });
    expect(again).toEqual(first.slice(1));
    const changed = { ...entry, metrics: { ppl_dev: 6.9 } };
    const { versions: third } = await client.importVersions({ format, content: document(entry, changed) });
    expect(third.map(({ name }) => name)).toEqual([`${entry.id}@1`, `${entry.id}@2`]);
  });

  test("one bad entry, or one deleted adapter, and nothing is kept", async () => {
    const bad = await failure(client.importVersions({ format, content: document(entry, { ...entry, id: "../x" }) }));
    expect(bad).toMatchObject({ reason: "DOCUMENT_INVALID", metadata: { field: "[1].id" } });
    await client.putAdapter({ adapter: "gone" });
    await client.deleteAdapter({ adapter: "gone" });
    const gone = await failure(client.importVersions({ format, content: document(entry, { ...entry, id: "gone" }) }));
    expect(gone).toMatchObject({ reason: "ADAPTER_NOT_FOUND", metadata: { adapter: "gone" } });
    expect(await names()).toEqual([]);
    expect(await failure(client.getAdapter({ adapter: entry.id }))).toMatchObject({ reason: "ADAPTER_NOT_FOUND" });
  });

  test("validate_only says what would come of it and keeps nothing", async () => {
    const { versions } = await client.importVersions({ format, content: document(entry), validateOnly: true });
    expect(versions).toMatchObject([{ name: `${entry.id}@1`, state: AdapterVersion_State.STATE_DECLARED }]);
    expect(await names()).toEqual([]);
    expect(await failure(client.getAdapter({ adapter: entry.id }))).toMatchObject({ reason: "ADAPTER_NOT_FOUND" });
  });

  test("imports at the same time make each entry once, and count without gaps", async () => {
    const imports = Array.from({ length: 8 }, (_, index) =>
      client.importVersions({ format, content: document(entry, { ...entry, rank: 1 + (index % 4) }) }),
    );
    const answers = await Promise.all(imports);
    expect(new Set(answers.map(({ versions }) => versions[0]?.name)).size).toBe(1);
    expect(await names()).toEqual([1, 2, 3, 4, 5].map((number) => `${entry.id}@${number}`));
  });
});
