import { afterAll, beforeAll, expect, test } from "vitest";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { RegisterVersionRequest } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { RegistryPlace, registryCaller } from "../../../test/support/registry-place.ts";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";
import { type Store, StoreError } from "../../store/store.ts";
import { findOwnVersion } from "../adapters/stored-versions.ts";
import { registerVersion } from "../commands/register-version.ts";
import type { RegistryContext } from "../context.ts";
import { ExportClient } from "./export-client.ts";
import { holderPrefix } from "./holds.ts";
import { reconcile } from "./reconcile.ts";

let exportServer: TestServer;
let place: RegistryPlace;
let snapshot: string;
let artifact: string;
/** Whether the export service does not get the next call. */
let isAway = false;
let commit: Store["commit"];
let context: RegistryContext;

beforeAll(async () => {
  exportServer = await startTestServer();
  place = await RegistryPlace.open("memory");
  const token = async () => {
    if (!isAway) return exportServer.systemToken;
    isAway = false;
    throw new Error("The export service is away.");
  };
  const access = { channel: Promise.resolve(exportServer.channel), token, [Symbol.dispose]: () => undefined };
  const store: Store = Object.create(place.store, {
    commit: { value: (...args: Parameters<typeof commit>) => commit(...args) },
  });
  context = { ...place.context, store, exportClient: new ExportClient(access) };
  commit = place.store.commit;
  artifact = await place.keepAdapter();
  snapshot = await built();
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await exportServer[Symbol.asyncDispose]();
});

/** The key of a sealed snapshot of one record. */
async function built(): Promise<string> {
  const records = [{ id: "a", fieldsJson: '{"text":"a"}' }];
  await exportServer.client(CorpusServiceDefinition).upsertRecords({ collection: "docs", records });
  const exports = exportServer.client(ExportServiceDefinition);
  const source = { source: { $case: "spec", value: { collection: "docs", format: "text" } } } as const;
  const key = (await exports.buildSnapshot({ source })).snapshot?.key ?? "";
  await Array.fromAsync(exports.watchSnapshot({ snapshot: key }));
  return key;
}

function register(adapter: string): Promise<unknown> {
  const files = { $case: "artifact", value: artifact } as const;
  const request = RegisterVersionRequest.fromPartial({ adapter, files, snapshots: [snapshot] });
  return registerVersion(context, registryCaller, request, new AbortController().signal);
}

/** Who holds snapshots, but for the ids of registrations; ends all of it. */
async function takeHolders(): Promise<string[]> {
  const exports = exportServer.client(ExportServiceDefinition);
  const { holds } = await exports.listHolds({ holderPrefix: holderPrefix(place.store) });
  for (const { holder } of holds) await exports.releaseSnapshots({ holder });
  return holds.map(({ holder }) => holder.slice(holderPrefix(place.store).length).replace(/^pending\/.*/, "pending"));
}

test("a version holds its snapshots, and its registration no longer does", async () => {
  commit = place.store.commit;
  await register("held");
  expect(await takeHolders()).toEqual(["held@1"]);
});

test("an export service that goes away between the commit and the hold keeps the snapshots until they are held", async () => {
  commit = async (...args) => {
    const committed = await place.store.commit(...args);
    commit = place.store.commit;
    isAway = true;
    return committed;
  };
  await register("away");
  expect(await takeHolders()).toEqual(["pending"]);
  await reconcile(context, registryCaller, new AbortController().signal);
  expect(await takeHolders()).toEqual(["away@1", "held@1"]);
});

test.each([
  ["UNAVAILABLE", "may have been made: they are held until the reconciler knows", ["pending"]],
  ["ABORTED", "was not made: nothing is held", []],
] as const)("where a store fails with %s the version %s", async (code, _outcome, holders) => {
  commit = async () => {
    throw new StoreError(code, "as the test wants it");
  };
  await expect(register("failed")).rejects.toMatchObject({ code });
  expect(await takeHolders()).toEqual(holders);
});

test("what was deleted is told to a version before it holds its snapshots, else nobody would tell it later", async () => {
  const fails: Store["commit"] = async () => {
    throw new StoreError("UNAVAILABLE", "as the test wants it");
  };
  const { signal } = new AbortController();
  commit = place.store.commit;
  await register("told");
  await exportServer.client(CorpusServiceDefinition).deleteRecords({ collection: "docs", ids: ["a"] });
  await reconcile(context, registryCaller, signal);
  commit = async (...args) => {
    commit = fails;
    return place.store.commit(...args);
  };
  await register("untold");
  await expect(reconcile(context, registryCaller, signal)).rejects.toThrow("as the test wants it");
  commit = place.store.commit;
  await reconcile(context, registryCaller, signal);
  const version = await findOwnVersion(place.store, registryCaller.tenant, { adapter: "untold", version: 1 });
  expect(version?.state.deletedData?.recordCount).toBe(1n);
});
