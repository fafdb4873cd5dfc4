import { afterAll, beforeAll, expect, test } from "vitest";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { Provenance } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { RegisterVersionRequest } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { RegistryPlace, registryCaller } from "../../../test/support/registry-place.ts";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";
import { limits } from "../../kit/limits.ts";
import { type Store, StoreError } from "../../store/store.ts";
import { versionText } from "../adapters/names.ts";
import { findOwnVersion } from "../adapters/stored-versions.ts";
import { deleteAdapter } from "../commands/delete-adapter.ts";
import { deleteVersion } from "../commands/delete-version.ts";
import { registerVersion } from "../commands/register-version.ts";
import { restoreAdapter } from "../commands/restore-adapter.ts";
import { restoreVersion } from "../commands/restore-version.ts";
import type { RegistryContext } from "../context.ts";
import { ExportClient } from "./export-client.ts";
import { holderPrefix } from "./holders.ts";
import { reconcile, releaseOrphans } from "./reconcile.ts";

let exportServer: TestServer;
let place: RegistryPlace;
let snapshot: string;
let artifact: string;
/** Whether the export service does not get the next call. */
let isAway = false;
/** What happens before each of the next calls reaches the export service. */
let beforeCalls: (() => Promise<unknown>)[] = [];
let commit: Store["commit"];
let context: RegistryContext;

beforeAll(async () => {
  exportServer = await startTestServer();
  place = await RegistryPlace.open("memory");
  const token = async () => {
    await beforeCalls.shift()?.();
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
  return buildOf({});
}

/** Keys of snapshots that differ in what they leave out. */
async function builtMany(count: number): Promise<string[]> {
  const keys: string[] = [];
  for (let maxTextLength = 1; maxTextLength <= count; maxTextLength += 1) keys.push(await buildOf({ maxTextLength }));
  return keys;
}

async function buildOf(quality: { readonly maxTextLength?: number }): Promise<string> {
  const exports = exportServer.client(ExportServiceDefinition);
  const source = { source: { $case: "spec", value: { collection: "docs", format: "text", quality } } } as const;
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
  const { holds } = await exports.listHolds({ holderPrefix: holderPrefix(place.store), pageSize: 1000 });
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

test("a version that comes back while its holds are released has them", async () => {
  commit = place.store.commit;
  const { signal } = new AbortController();
  await register("late");
  const late = { adapter: "late", version: 1 };
  beforeCalls = [() => restoreVersion(context, registryCaller, late, signal)];
  await deleteVersion(context, registryCaller, late);
  expect(await takeHolders()).toContain("late@1");
  await register("late");
  await deleteAdapter(context, registryCaller.tenant, "late");
  place.passSeconds(3600);
  const listed = async () => undefined;
  beforeCalls = [listed, () => restoreAdapter(context, registryCaller, "late", signal)];
  await releaseOrphans(context, registryCaller, signal);
  expect(beforeCalls).toEqual([]);
  expect(await takeHolders()).toEqual(expect.arrayContaining(["late@1", "late@2"]));
});

test("however many snapshots the versions of an adapter have, it comes back with all of them held, or none", async () => {
  commit = place.store.commit;
  await takeHolders();
  const snapshots = await builtMany(limits.held_snapshots + 40);
  const trained = (keys: readonly string[]) =>
    place.makeVersion("many", {
      provenance: Provenance.fromPartial({ snapshots: keys.map((key) => ({ snapshot: key })) }),
    });
  for (let from = 0; from < snapshots.length; from += 50) await trained(snapshots.slice(from, from + 50));
  const last = await trained(["00".repeat(32)]);
  const { signal } = new AbortController();
  const restore = () => restoreAdapter(context, registryCaller, "many", signal);
  await deleteAdapter(context, registryCaller.tenant, "many");
  const metadata = { version: versionText(last), snapshot: "00".repeat(32) };
  await expect(restore()).rejects.toMatchObject({ reason: "SNAPSHOT_NOT_FOUND", metadata });
  expect(await takeHolders()).toEqual([]);
  await deleteVersion(context, registryCaller, last);
  await restore();
  const holders = snapshots.map((_, place) => `many@${Math.floor(place / 50) + 1}`);
  expect(await takeHolders()).toEqual(holders);
});
