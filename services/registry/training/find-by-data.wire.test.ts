import { expect, test } from "vitest";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { OutputConstraint, Provenance, TrainingSnapshot } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { FindVersionsResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { RegistryPlace, registryCaller } from "../../../test/support/registry-place.ts";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";
import type { RegistryContext } from "../context.ts";
import { ExportClient } from "./export-client.ts";
import { findByData } from "./find-by-data.ts";

test("nothing was trained on the data of a tenant that the export service does not know", async () => {
  await using exportServer = await startTestServer();
  await using place = await RegistryPlace.open("memory");
  const context = asking(exportServer, place);
  const origin = { $case: "subject", value: { collection: "", subject: "somebody" } } as const;
  const owner = { ...registryCaller, tenantName: "only-here" };
  expect(await findByData(context, owner, { origin, limit: 10, position: undefined })).toEqual({
    versions: [],
    next: undefined,
  });
});

test("a page is no larger than what clients take, in however many snapshots a record is", async () => {
  const MEBIBYTE = 1024 * 1024;
  await using exportServer = await startTestServer();
  await using place = await RegistryPlace.open("memory");
  const context = asking(exportServer, place);
  const records = [{ id: "a", fieldsJson: '{"text":"a"}' }];
  await exportServer.client(CorpusServiceDefinition).upsertRecords({ collection: "docs", records });
  const snapshots = await Promise.all([1, 2, 3].map((number) => snapshotOf(exportServer, number)));
  const constraint = OutputConstraint.create({
    constraint: { $case: "pattern", value: "x".repeat(MEBIBYTE / 16) },
  });
  for (const snapshot of snapshots) {
    const provenance = Provenance.create({ snapshots: [TrainingSnapshot.create({ snapshot })] });
    for (let count = 0; count < 40; count += 1) await place.makeVersion("tone", { constraint, provenance });
  }

  const origin = { $case: "record", value: { collection: "docs", record: "a" } } as const;
  const names: string[] = [];
  let position: Uint8Array | undefined;
  do {
    const page = await findByData(context, registryCaller, { origin, limit: 1000, position });
    const { versions, next } = page;
    const bytes = FindVersionsResponse.encode({ versions, nextPageToken: "" }).finish().length;
    expect(bytes).toBeLessThanOrEqual(4 * MEBIBYTE);
    names.push(...versions.map(({ name }) => name));
    position = next;
  } while (position !== undefined);
  expect(new Set(names).size).toBe(120);
  expect(names).toHaveLength(120);
});

test("what has a trained version as its ancestor comes once, in however many snapshots a record is", async () => {
  await using exportServer = await startTestServer();
  await using place = await RegistryPlace.open("memory");
  const context = asking(exportServer, place);
  const records = [{ id: "a", fieldsJson: '{"text":"a"}', subject: "person" }];
  await exportServer.client(CorpusServiceDefinition).upsertRecords({ collection: "docs", records });
  const keys = (await Promise.all([1, 2].map((number) => snapshotOf(exportServer, number)))).sort();
  const make = (adapter: string, parent: string, ...trainedOn: number[]) => {
    const snapshots = trainedOn.map((number) => TrainingSnapshot.create({ snapshot: keys[number] ?? "" }));
    return place.makeVersion(adapter, { provenance: Provenance.create({ parent, snapshots }) });
  };
  await make("both", "", 0, 1);
  await make("heir", "both@1");
  await make("second", "heir@1", 1);
  await make("heir", "second@1");
  await make("other", "");
  const all = [
    ["both@1", ""],
    ["second@1", ""],
    ["heir@1", "both@1"],
    ["heir@2", "second@1"],
  ];
  for (const limit of [1, 3, 1000]) {
    for (const origin of [
      { $case: "record", value: { collection: "docs", record: "a" } },
      { $case: "subject", value: { collection: "", subject: "person" } },
    ] as const) {
      const told = new Map<string, string>();
      let position: Uint8Array | undefined;
      do {
        const { versions, next } = await findByData(context, registryCaller, { origin, limit, position });
        for (const { name, inheritedFrom } of versions) told.set(name, inheritedFrom);
        position = next;
      } while (position !== undefined);
      expect([...told]).toEqual(all);
    }
  }
});

/** The registry's context with an export service. */
function asking(exportServer: TestServer, { context }: RegistryPlace): RegistryContext {
  const access = {
    channel: Promise.resolve(exportServer.channel),
    token: async () => exportServer.systemToken,
    [Symbol.dispose]: () => undefined,
  };
  return { ...context, exportClient: new ExportClient(access) };
}

/** The key of a sealed snapshot of all records of `docs`, another one for each number. */
async function snapshotOf(exportServer: TestServer, number: number): Promise<string> {
  const exports = exportServer.client(ExportServiceDefinition);
  const spec = { collection: "docs", format: "text", filter: `${number} == ${number}` };
  const key = (await exports.buildSnapshot({ source: { source: { $case: "spec", value: spec } } })).snapshot?.key ?? "";
  await Array.fromAsync(exports.watchSnapshot({ snapshot: key }));
  return key;
}
