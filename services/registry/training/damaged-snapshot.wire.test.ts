import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { Provenance } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { RegistryPlace, registryCaller } from "../../../test/support/registry-place.ts";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";
import { tablePath } from "../../export/snapshot/table/table-file.ts";
import { findOwnVersion } from "../adapters/stored-versions.ts";
import { getLineage } from "../commands/get-lineage.ts";
import { ExportClient } from "./export-client.ts";
import { findByData } from "./find-by-data.ts";
import { reconcile } from "./reconcile.ts";

test("a damaged snapshot keeps no other from being reconciled, and callers are told which it is", async () => {
  await using exportServer = await startTestServer();
  await using place = await RegistryPlace.open("memory");
  const token = async () => exportServer.systemToken;
  const access = { channel: Promise.resolve(exportServer.channel), token, [Symbol.dispose]: () => undefined };
  const context = { ...place.context, exportClient: new ExportClient(access) };
  const corpus = exportServer.client(CorpusServiceDefinition);
  const records = [{ id: "a", fieldsJson: '{"text":"a"}', subject: "person" }];
  await corpus.upsertRecords({ collection: "docs", records });
  const [damaged = "", whole = ""] = [await built(exportServer, 1), await built(exportServer, 2)].toSorted();
  const trainedOn = (snapshot: string) =>
    place.makeVersion("tone", { provenance: Provenance.fromPartial({ snapshots: [{ snapshot }] }) });
  const [first, second] = [await trainedOn(damaged), await trainedOn(whole)];

  await rm(tablePath(exportServer.dataDirectory, 1, Buffer.from(damaged, "hex")));
  await rm(join(exportServer.dataDirectory, "blocks", "1"), { recursive: true });
  await corpus.deleteRecords({ collection: "docs", ids: ["a"] });
  await reconcile(context, registryCaller, new AbortController().signal);
  const version = await findOwnVersion(place.store, registryCaller.tenant, second);
  expect(version?.state.deletedData?.recordCount).toBe(1n);

  const origin = { $case: "subject", value: { collection: "", subject: "person" } } as const;
  const search = findByData(context, registryCaller, { origin, limit: 10, position: undefined });
  await expect(search).rejects.toMatchObject({ reason: "CONTENT_DAMAGED", metadata: { snapshot: damaged } });
  const lineage = await getLineage(context, registryCaller, first, 1);
  expect(lineage).toMatchObject({
    snapshots: [{ available: false }],
    unavailable: expect.stringContaining("delete the snapshot and build it again"),
  });
});

test("a snapshot that the export service gives no answer about keeps no other waiting", async () => {
  await using exportServer = await startTestServer();
  await using place = await RegistryPlace.open("memory");
  let calls = 0;
  const token = async () => {
    calls += 1;
    // The first call lists the holds, the second places the one that is missing of the first snapshot.
    if (calls === 2) throw new Error("The export service does not answer.");
    return exportServer.systemToken;
  };
  const access = { channel: Promise.resolve(exportServer.channel), token, [Symbol.dispose]: () => undefined };
  const context = { ...place.context, exportClient: new ExportClient(access) };
  const records = [{ id: "a", fieldsJson: '{"text":"a"}' }];
  await exportServer.client(CorpusServiceDefinition).upsertRecords({ collection: "docs", records });
  const snapshots = [await built(exportServer, 1), await built(exportServer, 2)];
  for (const snapshot of snapshots) {
    await place.makeVersion("tone", { provenance: Provenance.fromPartial({ snapshots: [{ snapshot }] }) });
  }
  const held = async () => {
    await reconcile(context, registryCaller, new AbortController().signal);
    const { holds } = await exportServer.client(ExportServiceDefinition).listHolds({ holderPrefix: "registry/" });
    return holds.map(({ snapshot }) => snapshot).toSorted();
  };
  expect(await held()).toEqual(snapshots.toSorted().slice(1));
  expect(await held()).toEqual(snapshots.toSorted());
});

/** The key of a sealed snapshot, another for each `maxTextLength`. */
async function built(server: TestServer, maxTextLength: number): Promise<string> {
  const exports = server.client(ExportServiceDefinition);
  const spec = { collection: "docs", format: "text", quality: { maxTextLength } };
  const { snapshot } = await exports.buildSnapshot({ source: { source: { $case: "spec", value: spec } } });
  const key = snapshot?.key ?? "";
  await Array.fromAsync(exports.watchSnapshot({ snapshot: key }));
  return key;
}
