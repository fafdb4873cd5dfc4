import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { failure } from "../../../test/support/failure.ts";
import { startTestRegistry } from "../../../test/support/registry-server.ts";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { accessTo, quickly, trainings } from "../../../test/support/trainings.ts";

/** The whole key of a sealed snapshot of one record. */
async function snapshotIn(server: TestServer): Promise<string> {
  const records = [{ id: "a", fieldsJson: '{"text":"a"}' }];
  await server.client(CorpusServiceDefinition).upsertRecords({ collection: "docs", records });
  const spec = { collection: "docs", format: "text" };
  const exports = server.client(ExportServiceDefinition);
  const { snapshot } = await exports.buildSnapshot({ source: { source: { $case: "spec", value: spec } } });
  await Array.fromAsync(exports.watchSnapshot({ snapshot: snapshot?.key ?? "" }));
  return snapshot?.key ?? "";
}

test("without an export service everything works that needs no run and no snapshot", async () => {
  await using registry = await startTestRegistry();
  await using place = await trainings(registry, registry, registry);
  const refused = await failure(place.register("a", { run: "r" }));
  expect(refused).toMatchObject({ reason: "EXPORT_UNAVAILABLE", retryAfterSeconds: undefined });
  expect(refused.message).toContain("set export_address and export_token_file");
  await place.register("a");
  const byRecord = { $case: "record", value: { collection: "docs", record: "a" } } as const;
  expect(await failure(place.adapters.findVersions({ origin: byRecord }))).toMatchObject({
    reason: "EXPORT_UNAVAILABLE",
  });
  expect(await place.adapters.getLineage({ version: "a@1", records: 9 })).toMatchObject({
    snapshots: [],
    unavailable: "",
  });
  await place.adapters.deleteVersion({ version: "a@1" });
});

test("an export service that is away keeps nobody from what needs it not; once it is back, what was left undone is done", async () => {
  const dataDirectory = await temporaryFolder();
  const exportServer = await startTestServer({ configuration: { store: "rocksdb" }, dataDirectory });
  const snapshot = await snapshotIn(exportServer);
  await using registry = await startTestRegistry({ configuration: { ...quickly, ...(await accessTo(exportServer)) } });
  const place = await trainings(exportServer, registry, registry);
  await place.register("kept", { snapshots: [snapshot] });
  await place.register("gone", { snapshots: [snapshot] });
  await exportServer[Symbol.asyncDispose]();

  const refused = await failure(place.register("late", { snapshots: [snapshot] }));
  expect(refused).toMatchObject({ reason: "EXPORT_UNAVAILABLE", retryAfterSeconds: 1 });
  const lineage = await place.adapters.getLineage({ version: "kept@1", records: 9 });
  expect(lineage).toMatchObject({ snapshots: [{ snapshot: { snapshot }, available: false, records: [] }] });
  expect(lineage.unavailable).toContain("does not answer");
  const bySnapshot = { $case: "snapshot", value: snapshot } as const;
  expect((await place.adapters.findVersions({ origin: bySnapshot })).versions).toHaveLength(2);
  await place.adapters.deleteVersion({ version: "gone@1" });
  await place.register("late");

  const port = Number(exportServer.address.split(":")[1]);
  await using back = await startTestServer({ configuration: { store: "rocksdb", listen_port: port }, dataDirectory });
  const held = async () => {
    const { holds } = await back.client(ExportServiceDefinition).listHolds({ holderPrefix: "registry/" });
    return holds.map(({ holder }) => holder);
  };
  await expect.poll(held, { timeout: 20_000 }).toEqual([expect.stringMatching(/^registry\/[0-9a-f]{8}\/kept@1$/)]);
  expect((await place.adapters.getLineage({ version: "kept@1" })).unavailable).toBe("");
});

test("a token that the export service refuses is told as what it is", async () => {
  await using exportServer = await startTestServer();
  const access = await accessTo(exportServer);
  await writeFile(access.export_token_file, exportServer.token);
  await using registry = await startTestRegistry({ configuration: access });
  await using place = await trainings(exportServer, registry, registry);
  const refused = await failure(place.register("a", { run: "r" }));
  expect(refused).toMatchObject({ reason: "EXPORT_UNAVAILABLE", retryAfterSeconds: undefined });
  expect(refused.message).toContain("refuses the registry's token");
});
