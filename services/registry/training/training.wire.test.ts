import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SnapshotHold } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { type AdapterVersion, AdapterVersion_State } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type {
  FindVersionsRequest,
  WatchAdaptersResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { failure } from "../../../test/support/failure.ts";
import { type Trainings, trainingsApart, trainingsTogether } from "../../../test/support/trainings.ts";
import { limits } from "../../kit/limits.ts";

describe.each([
  ["in one process", trainingsTogether],
  ["apart", trainingsApart],
])("versions from runs, services %s", (_, start) => {
  let place: Trainings;

  beforeAll(async () => {
    place = await start();
  });
  afterAll(() => place[Symbol.asyncDispose]());

  /** Records of a collection, and a run that read them all; the run's snapshot. */
  async function trained(collection: string, run: string): Promise<string> {
    const records = ["a", "b", "c"].map((id) => ({
      id,
      fieldsJson: `{"text":"${collection} ${id}"}`,
      subject: id === "c" ? "" : `${collection}-person`,
    }));
    await place.corpus.upsertRecords({ collection, records });
    const spec = { collection, format: "text" };
    const environment = {
      packageVersions: { torch: "2.9", peft: "0.18" },
      seed: 7n,
      configurationJson: '{"lr":0.0002}',
    };
    const opened = await place.runs.openRun({
      run,
      source: { source: { $case: "spec", value: spec } },
      environment,
      lease: "l",
    });
    await place.runs.reportProgress({ run, lease: "l", step: 10n, metrics: { loss: 1.5, eval_loss: 1.25, "a b": 2 } });
    return opened.run?.sources[0]?.snapshot ?? "";
  }
  /** Holds whose holder begins so, without the registry's id. */
  async function holds(begin: string): Promise<SnapshotHold[]> {
    const { holds: all } = await place.exports.listHolds({ holderPrefix: "reg" });
    return all
      .map((hold) => ({ ...hold, holder: withoutId(hold.holder) }))
      .filter(({ holder }) => holder.startsWith(begin));
  }
  async function registryId(): Promise<string> {
    const { holds: all } = await place.exports.listHolds({ holderPrefix: "registry/" });
    return all[0]?.holder.split("/")[1] ?? "";
  }
  async function found(origin: FindVersionsRequest["origin"]): Promise<string[]> {
    const names: string[] = [];
    let pageToken = "";
    do {
      const page = await place.adapters.findVersions({ origin, pageSize: 1, pageToken });
      names.push(...page.versions.map(({ name }) => name));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return names;
  }
  const getVersion = async (version: string) => (await place.adapters.getVersion({ version })).version;

  test("a version has its run's snapshots, environment and metrics, and holds the snapshots until it is deleted", async () => {
    const snapshot = await trained("held", "held-run");
    const version = await place.register("held", { run: "held-run", metrics: { eval_loss: 1 } });
    expect(version).toMatchObject({
      name: "held@1",
      metrics: { loss: 1.5, eval_loss: 1, a_b: 2 },
      provenance: {
        run: "held-run",
        snapshots: [{ snapshot, collection: "held", sampleCount: 3n, digest: expect.stringMatching(/^[0-9a-f]{64}$/) }],
        packageVersions: { torch: "2.9", peft: "0.18" },
        seed: 7n,
        training: { configurationJson: '{"lr":0.0002}' },
      },
    });
    const result = { succeeded: true, adapterVersion: version.name };
    await place.runs.closeRun({ run: "held-run", result, lease: "l" });
    expect(await holds("registry/held@")).toMatchObject([
      { holder: "registry/held@1", snapshot, expireTime: undefined },
    ]);
    expect(await holds("registry/pending/")).toEqual([]);
    const refused = await failure(place.exports.deleteSnapshot({ snapshot }));
    const holder = `registry/${await registryId()}/held@1`;
    expect(refused).toMatchObject({ reason: "SNAPSHOT_IN_USE", metadata: { holder } });
    await place.adapters.deleteVersion({ version: "held@1" });
    expect(await holds("registry/held@")).toEqual([]);
    await place.adapters.restoreVersion({ version: "held@1" });
    expect(await holds("registry/held@")).toHaveLength(1);
    await place.adapters.deleteVersion({ version: "held@1" });
    await place.exports.deleteSnapshot({ snapshot });
    expect(await failure(place.adapters.restoreVersion({ version: "held@1" }))).toMatchObject({
      reason: "SNAPSHOT_EXPIRED",
      metadata: { snapshot, version: "held@1" },
    });
    expect(await getVersion("held@1")).toMatchObject({ state: AdapterVersion_State.STATE_DELETED });
  });

  test("an adapter comes back with the holds of its versions, and not where a snapshot of one is gone", async () => {
    const [kept, gone] = [await trained("kept", "kept-run"), await trained("gone", "gone-run")];
    await place.register("whole", { run: "kept-run" });
    await place.register("whole", { snapshots: [kept, gone] });
    await place.register("whole", { run: "gone-run" });
    for (const run of ["kept-run", "gone-run"]) {
      await place.runs.closeRun({ run, result: { succeeded: true }, lease: "l" });
    }
    await place.adapters.deleteVersion({ version: "whole@3" });
    await place.adapters.deleteAdapter({ adapter: "whole" });
    await place.adapters.restoreAdapter({ adapter: "whole" });
    const names = async () => (await holds("registry/whole@")).map(({ holder }) => holder.slice("registry/".length));
    expect(await names()).toEqual(["whole@1", "whole@2", "whole@2"]);
    await place.adapters.deleteAdapter({ adapter: "whole" });
    await expect.poll(names, { timeout: 10_000 }).toEqual([]);
    await place.exports.deleteSnapshot({ snapshot: gone });
    expect(await failure(place.adapters.restoreAdapter({ adapter: "whole" }))).toMatchObject({
      reason: "SNAPSHOT_EXPIRED",
      message: expect.stringContaining("DeleteVersion"),
      metadata: { snapshot: gone, version: "whole@2" },
    });
    expect(await getVersion("whole@1")).toMatchObject({ state: AdapterVersion_State.STATE_DELETED });
    expect(await holds("registry/")).toEqual([]);
    await place.adapters.deleteVersion({ version: "whole@2" });
    await place.adapters.restoreAdapter({ adapter: "whole" });
    expect(await holds("registry/")).toMatchObject([{ holder: "registry/whole@1", snapshot: kept }]);
  });

  test("what is deleted later shows in the version, its lineage and the watch, and is found", async () => {
    const snapshot = await trained("deleted", "deleted-run");
    await place.register("deleted", { run: "deleted-run" });
    await place.register("deleted", { snapshots: [snapshot.slice(0, 12)], parent: "deleted@1" });
    const stop = new AbortController();
    const watch = place.adapters.watchAdapters({ adapter: "deleted" }, { signal: stop.signal });
    const messages = watch[Symbol.asyncIterator]();
    await messages.next();
    await place.corpus.deleteRecords({ collection: "deleted", ids: ["b"] });
    const told = [await nextVersion(messages), await nextVersion(messages)];
    expect(told.map(({ name, deletedData }) => [name, deletedData?.recordCount])).toEqual([
      ["deleted@1", 1n],
      ["deleted@2", 1n],
    ]);
    stop.abort();
    const version = await getVersion("deleted@1");
    expect(version?.deletedData?.firstTime).toEqual(version?.deletedData?.lastTime);
    const lineage = await place.adapters.getLineage({ version: "deleted@2", records: 2 });
    expect(lineage).toMatchObject({
      run: undefined,
      unavailable: "",
      parents: [{ name: "deleted@1" }],
      children: [],
      snapshots: [
        {
          snapshot: { snapshot, collection: "deleted" },
          available: true,
          deletedRecordCount: 1n,
          records: [
            { record: "a", subject: "deleted-person", deleted: false },
            { record: "b", subject: "deleted-person", deleted: true },
          ],
        },
      ],
    });
    const parent = await place.adapters.getLineage({ version: "deleted@1", records: limits.lineage_records });
    expect(parent).toMatchObject({ run: { run: "deleted-run", state: "OPEN" }, children: [{ name: "deleted@2" }] });
    const beyond = place.adapters.getLineage({ version: "deleted@1", records: limits.lineage_records + 1 });
    expect(await failure(beyond)).toMatchObject({ reason: "FIELD_INVALID", fields: ["records"] });
    const both = ["deleted@1", "deleted@2"];
    expect(await found({ $case: "record", value: { collection: "deleted", record: "b" } })).toEqual(both);
    expect(await found({ $case: "subject", value: { collection: "", subject: "deleted-person" } })).toEqual(both);
    expect(await found({ $case: "subject", value: { collection: "", subject: "nobody" } })).toEqual([]);
    expect(await found({ $case: "snapshot", value: snapshot })).toEqual(both);
    expect(await found({ $case: "run", value: "deleted-run" })).toEqual(both);
    expect(await found({ $case: "parent", value: "deleted@1" })).toEqual(["deleted@2"]);
    const late = await place.register("deleted", { snapshots: [snapshot] });
    expect(late.deletedData?.recordCount).toBe(1n);
    await place.corpus.deleteRecords({ collection: "deleted", ids: ["c"] });
    // Whoever registers is told at once what was deleted before.
    const latest = await place.register("deleted", { snapshots: [snapshot] });
    expect(latest.deletedData?.recordCount).toBe(2n);
  });

  test("what is deleted later shows in all that was trained on from it, and in the watch", async () => {
    await trained("ancestral", "ancestral-run");
    await place.register("ancestral", { run: "ancestral-run" });
    await place.register("heir", { parent: "ancestral@1" });
    await place.register("heir", { parent: "heir@1" });
    const stop = new AbortController();
    const watch = place.adapters.watchAdapters({ adapter: "heir" }, { signal: stop.signal });
    const messages = watch[Symbol.asyncIterator]();
    await messages.next();
    await place.corpus.deleteRecords({ collection: "ancestral", ids: ["a", "c"] });
    const told = [await nextVersion(messages), await nextVersion(messages)];
    stop.abort();
    expect(told.map(({ name, inheritedDeletedData }) => [name, inheritedDeletedData?.recordCount])).toEqual([
      ["heir@1", 2n],
      ["heir@2", 2n],
    ]);
    const filter = 'version.adapter == "heir" && version.inherited_deleted_data.record_count == 2';
    const { versions } = await place.adapters.listVersions({ filter });
    expect(versions.map(({ name, deletedData }) => [name, deletedData])).toEqual([
      ["heir@1", undefined],
      ["heir@2", undefined],
    ]);
    const late = await place.register("heir", { parent: "heir@2" });
    expect(late.inheritedDeletedData?.recordCount).toBe(2n);
  });

  test("a hold that nobody needs goes, one that is missing comes, those of another registry stay", async () => {
    const snapshot = await trained("reconciled", "reconciled-run");
    await place.register("reconciled", { run: "reconciled-run" });
    const own = `registry/${await registryId()}`;
    const others = "registry/00000000/ghost@1";
    for (const holder of [`${own}/ghost@1`, others]) {
      await place.exports.holdSnapshots({ holder, snapshots: [snapshot] });
    }
    await place.exports.releaseSnapshots({ holder: `${own}/reconciled@1` });
    const held = async () => {
      const all = (await place.exports.listHolds({ holderPrefix: "reg" })).holds;
      return all.filter((one) => one.snapshot === snapshot).map(({ holder }) => holder);
    };
    const both = [others, `${own}/reconciled@1`];
    await expect.poll(held, { timeout: 10_000 }).toEqual(both);
    await place.adapters.deleteAdapter({ adapter: "reconciled" });
    await expect.poll(held, { timeout: 10_000 }).toEqual([others]);
    await place.adapters.restoreAdapter({ adapter: "reconciled" });
    await expect.poll(held, { timeout: 10_000 }).toEqual(both);
  });

  test("what the export service does not have is refused as it says, and nothing is made", async () => {
    const snapshot = await trained("refused", "refused-run");
    await place.runs.closeRun({ run: "refused-run", result: { succeeded: true }, lease: "l" });
    await place.exports.deleteSnapshot({ snapshot });
    const cases = [
      [{ run: "no-run" }, { reason: "RUN_NOT_FOUND", metadata: { run: "no-run" } }],
      [{ run: "No Run" }, { reason: "FIELD_INVALID", metadata: { field: "run" } }],
      [{ run: "refused-run" }, { reason: "SNAPSHOT_NOT_FOUND", metadata: { snapshot } }],
      [{ snapshots: ["0".repeat(64)] }, { reason: "SNAPSHOT_NOT_FOUND" }],
      [
        { snapshots: Array.from({ length: 65 }, (_, n) => `${n}`.padStart(64, "0")) },
        { reason: "LIMIT_EXCEEDED", metadata: { limit: "version_snapshots" } },
      ],
    ] as const;
    for (const [said, refusal] of cases) {
      const snapshots = "snapshots" in said ? [...said.snapshots] : [];
      expect(await failure(place.register("refused", { ...said, snapshots }))).toMatchObject(refusal);
    }
    expect(await failure(place.adapters.getAdapter({ adapter: "refused" }))).toMatchObject({
      reason: "ADAPTER_NOT_FOUND",
    });
    expect(await holds("registry/pending/")).toEqual([]);
  });
});

function withoutId(holder: string): string {
  return holder.replace(/^registry\/[0-9a-f]{8}\//, "registry/");
}

async function nextVersion(messages: AsyncIterator<WatchAdaptersResponse>): Promise<AdapterVersion> {
  for (;;) {
    const { value, done } = await messages.next();
    if (done === true) throw new Error("The watch ended.");
    if (value.change?.$case === "version") return value.change.value;
  }
}
