import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PlanSpec, WeightUse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { Run_State } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { RunsPlace, runRequest } from "../../../test/support/runs.ts";
import { specSource, upsert } from "../../../test/support/samples.ts";
import { storeKinds } from "../../../test/support/stores.ts";
import { limits } from "../../kit/limits.ts";
import { closeEpoch } from "../commands/close-epoch.ts";
import { closeRun } from "../commands/close-run.ts";
import { deleteSnapshot } from "../commands/delete-snapshot.ts";
import { getRun } from "../commands/get-run.ts";
import { getSnapshot } from "../commands/get-snapshot.ts";
import { listLosses } from "../commands/list-losses.ts";
import { listRuns } from "../commands/list-runs.ts";
import { openRun } from "../commands/open-run.ts";
import { renewRun } from "../commands/renew-run.ts";
import { reportLosses } from "../commands/report-losses.ts";
import { reportProgress } from "../commands/report-progress.ts";
import { normalisePlan } from "../plan/plan-spec.ts";
import type { OpenRun } from "./create-run.ts";
import { epochPlan } from "./epoch-plan.ts";

const never = new AbortController().signal;
const succeeded = { succeeded: true, message: "", adapterVersion: "tone:3" };
const adaptive = { adaptiveSampling: { exponent: undefined, minimum: undefined, maximum: undefined } };
const DAYS = 24 * 3600;
const held = (run: string, lease = "holder") => ({ run, lease });

describe.each(storeKinds)("runs in %s", (kind) => {
  let place: RunsPlace;

  beforeEach(async () => {
    place = await RunsPlace.open(kind);
    const records = Array.from({ length: 8 }, (_, number) => ({
      id: `r${number}`,
      fields: { text: `text ${number}` },
    }));
    await upsert(place.context, 1, "docs", records);
  });
  afterEach(() => place[Symbol.asyncDispose]());

  const open = (run: string, changes: Partial<OpenRun> = {}) =>
    openRun(place.context, 1, runRequest(run, changes), never);
  const close = (run: string, result = succeeded, lease = "") => closeRun(place.context, 1, { run, lease, result });
  const losses = (run: string, epoch: number, given: Readonly<Record<number, number>>, lease?: string) =>
    reportLosses(place.context, 1, {
      ...held(run, lease),
      epoch,
      indices: Object.keys(given).map(BigInt),
      losses: Object.values(given),
    });

  test("a lease that ends makes a run lost until its holder goes on or somebody opens it again", async () => {
    const opened = await open("a");
    expect(opened).toMatchObject({ state: Run_State.STATE_OPEN, epochs: [{ epoch: 0, sampleCount: 8n }] });
    place.passSeconds(59);
    expect(await renewRun(place.context, 1, held("a"))).toBe(place.now + 60_000_000n);
    place.passSeconds(60);
    expect((await getRun(place.context, 1, "a")).state).toBe(Run_State.STATE_LOST);
    await losses("a", 0, { 0: 1 });
    expect(await getRun(place.context, 1, "a")).toMatchObject({ state: Run_State.STATE_OPEN, lease: "holder" });
    place.passSeconds(61);
    await place.reopen();
    const again = await open("a", { leaseSeconds: 30, lease: "other" });
    expect(again).toMatchObject({ state: Run_State.STATE_OPEN, createTime: opened.createTime, lease: "other" });
    expect(again.epochs.map(({ plan }) => plan)).toEqual(opened.epochs.map(({ plan }) => plan));
    place.passSeconds(30);
    expect((await getRun(place.context, 1, "a")).state).toBe(Run_State.STATE_LOST);
  });

  test("who opened a run before changes nothing any more, lost or not", async () => {
    await open("a", adaptive);
    const consumed = (nextIndex: bigint) => ({ consumed: { epoch: 0, nextIndex, step: 1n }, step: 1n, metrics: {} });
    await reportProgress(place.context, 1, { ...held("a"), ...consumed(2n) });
    await open("a", { ...adaptive, lease: "second" });
    await reportProgress(place.context, 1, { ...held("a", "second"), ...consumed(5n) });
    for (const seconds of [0, 3600]) {
      place.passSeconds(seconds);
      const refused = [
        renewRun(place.context, 1, held("a")),
        reportProgress(place.context, 1, { ...held("a"), ...consumed(3n) }),
        losses("a", 0, { 0: 1 }),
        closeEpoch(place.context, 1, { ...held("a"), epoch: 0 }),
        close("a", succeeded, "holder"),
      ];
      for (const call of await Promise.allSettled(refused)) {
        const reason = { reason: "RUN_CONFLICT", metadata: { problem: "was opened by another process since" } };
        expect(call).toMatchObject({ status: "rejected", reason });
      }
      await expect(losses("a", 0, { 0: 1 }, "")).rejects.toMatchObject({ reason: "RUN_CONFLICT" });
    }
    expect(await getRun(place.context, 1, "a")).toMatchObject({
      state: Run_State.STATE_LOST,
      consumed: { nextIndex: 5n },
      epochs: [{ closed: false, lossCount: 0n }],
    });
    // Losses of two holders do not wait for each other as one.
    const both = await Promise.allSettled([losses("a", 0, { 1: 1 }, "second"), losses("a", 0, { 2: 1 })]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect((await close("a", succeeded, "second")).state).toBe(Run_State.STATE_SUCCEEDED);
  });

  test("a run that is lost for long holds nothing, until it is opened again", async () => {
    const snapshot = (await open("a")).sources[0]?.snapshot ?? "";
    place.passSeconds(60 + limits.lost_run_hold_seconds - 1);
    await place.sweep();
    expect((await getSnapshot(place.context, 1, snapshot)).expireTime).toBeUndefined();
    place.passSeconds(1);
    await place.reopen();
    await place.sweep();
    const { expireTime } = await getSnapshot(place.context, 1, snapshot);
    expect(expireTime?.seconds).toBe(place.now / 1_000_000n + 86_400n);
    expect(await getRun(place.context, 1, "a")).toMatchObject({ state: Run_State.STATE_LOST, lease: "" });
    for (const lease of ["holder", ""]) {
      await expect(renewRun(place.context, 1, held("a", lease))).rejects.toMatchObject({ reason: "RUN_CONFLICT" });
    }
    await open("a");
    await expect(deleteSnapshot(place.context, 1, snapshot)).rejects.toMatchObject({ metadata: { run: "a" } });
    place.passSeconds(60 + limits.lost_run_hold_seconds);
    await place.sweep();
    place.passSeconds(1 * DAYS);
    await place.sweep();
    await expect(open("a")).rejects.toMatchObject({ reason: "SNAPSHOT_EXPIRED" });
    expect((await close("a", succeeded, "holder")).state).toBe(Run_State.STATE_SUCCEEDED);
  });

  test("opening again keeps what the run is, and takes a new environment", async () => {
    const environment = {
      packageVersions: { torch: "2" },
      baseModel: "m",
      seed: 1n,
      worldSize: 2,
      configurationJson: "",
    };
    const [one, two] = await Promise.all([open("a", { environment }), open("a", { environment })]);
    expect(two).toEqual(one);
    await upsert(place.context, 1, "docs", [{ id: "z", fields: { text: "later" } }]);
    const moved = await open("a", { environment: { ...environment, worldSize: 4 } });
    expect(moved).toMatchObject({ sources: one.sources, environment: { worldSize: 4 } });
    const other = { ...runRequest("a").plan, seed: 7n };
    await expect(open("a", { plan: other })).rejects.toMatchObject({ reason: "RUN_CONFLICT" });
    await expect(open("a", adaptive)).rejects.toMatchObject({ reason: "RUN_CONFLICT" });
  });

  test("a closed run stays closed, with the result it had first", async () => {
    await open("a");
    await reportProgress(place.context, 1, {
      ...held("a"),
      consumed: { epoch: 0, nextIndex: 4n, step: 2n },
      step: 2n,
      metrics: { loss: 0.5, "eval loss": 0.7 },
    });
    place.passSeconds(1 * DAYS);
    const closed = await close("a");
    expect(closed).toMatchObject({
      state: Run_State.STATE_SUCCEEDED,
      result: succeeded,
      consumed: { nextIndex: 4n },
      metrics: { loss: 0.5, "eval loss": 0.7 },
      lossPoints: [{ step: 2n, value: 0.5 }],
    });
    await place.reopen();
    place.passSeconds(5);
    expect(await close("a")).toEqual(closed);
    const refused = [
      close("a", { ...succeeded, succeeded: false }),
      open("a"),
      renewRun(place.context, 1, held("a")),
      closeEpoch(place.context, 1, { ...held("a"), epoch: 0 }),
    ];
    for (const call of await Promise.allSettled(refused)) {
      expect(call).toMatchObject({ status: "rejected", reason: { reason: "RUN_CONFLICT" } });
    }
  });

  test("the last loss of an index counts, and none takes it back", async () => {
    await open("a");
    await Promise.all([losses("a", 0, { 0: 1, 3: 3 }), losses("a", 0, { 7: 2.5 })]);
    await losses("a", 0, { 3: 5, 7: Number.NaN });
    await losses("a", 0, { 3: 5 });
    await place.reopen();
    const [epoch] = (await getRun(place.context, 1, "a")).epochs;
    expect(epoch).toMatchObject({ lossCount: 2n, meanLoss: 3, closed: false });
    const list = { run: "a", epoch: 0, limit: 1 };
    const first = await listLosses(place.context, 1, { ...list, firstIndex: 0 });
    expect(first).toEqual({ indices: [0n], losses: [1], next: 3 });
    expect(await listLosses(place.context, 1, { ...list, firstIndex: 3 })).toMatchObject({
      indices: [3n],
      losses: [5],
    });
    await expect(losses("a", 0, { 8: 1 })).rejects.toMatchObject({ reason: "FIELD_INVALID" });
  });

  test("without adaptive sampling every epoch has its plan, which does not depend on losses", async () => {
    await open("a");
    const third = await epochPlan(place.context, 1, { run: "a", epoch: 3 });
    expect((await getRun(place.context, 1, "a")).epochs).toHaveLength(1);
    await losses("a", 0, { 0: 100, 1: 1 });
    const closed = await closeEpoch(place.context, 1, { ...held("a"), epoch: 2 });
    expect(Buffer.from(closed.hash)).toEqual(Buffer.from(third.hash));
    await upsert(place.context, 1, "docs", [{ id: "z", fields: { text: "later" } }]);
    await place.reopen();
    expect((await epochPlan(place.context, 1, { run: "a", epoch: 4 })).hash).toHaveLength(32);
    const beyond = epochPlan(place.context, 1, { run: "a", epoch: limits.run_epochs });
    await expect(beyond).rejects.toMatchObject({ reason: "LIMIT_EXCEEDED", metadata: { limit: "run_epochs" } });
    const { epochs } = await getRun(place.context, 1, "a");
    expect(epochs.map((one) => [one.epoch, one.sampleCount, one.closed])).toEqual([
      [0, 8n, false],
      [2, 8n, true],
      [3, 8n, false],
    ]);
  });

  test("with adaptive sampling losses make the copies of the next epoch, once", async () => {
    await open("a", adaptive);
    await expect(epochPlan(place.context, 1, { run: "a", epoch: 1 })).rejects.toMatchObject({
      reason: "EPOCH_NOT_OPEN",
    });
    await losses("a", 0, { 0: 10, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1 });
    const [one, two] = await Promise.all([
      closeEpoch(place.context, 1, { ...held("a"), epoch: 0 }),
      closeEpoch(place.context, 1, { ...held("a"), epoch: 0 }),
    ]);
    expect(two.hash).toEqual(one.hash);
    const copies = [...(one.sources[0]?.weightTable?.copies ?? [])];
    expect(copies.reduce((sum, count) => sum + count, 0)).toBe(8);
    // Of weights 4, 6 times 7/16 and 1 (the mean), samples 0 and 7 have 8 · 4 / 7.625 and 8 / 7.625 copies, give or take less than one.
    expect(copies[0]).toBeGreaterThanOrEqual(4);
    expect(copies[7]).toBeGreaterThanOrEqual(1);
    await losses("a", 0, { 0: 0, 1: 50 });
    await place.reopen();
    const again = await closeEpoch(place.context, 1, { ...held("a"), epoch: 0 });
    expect(Buffer.from(again.hash)).toEqual(Buffer.from(one.hash));
    expect([...(again.sources[0]?.weightTable?.copies ?? [])]).toEqual(copies);
    expect((await epochPlan(place.context, 1, { run: "a", epoch: 1 })).hash).toEqual(again.hash);
  });

  test("a run that is not closed holds its snapshot past its life, a closed one for one life more", async () => {
    const [one, two] = [await open("a"), await open("b")];
    const snapshot = one.sources[0]?.snapshot ?? "";
    expect(two.sources[0]?.snapshot).toBe(snapshot);
    place.passSeconds(3 * DAYS);
    await place.reopen();
    await place.sweep();
    expect((await getSnapshot(place.context, 1, snapshot)).expireTime).toBeUndefined();
    const refused = deleteSnapshot(place.context, 1, snapshot);
    await expect(refused).rejects.toMatchObject({ reason: "SNAPSHOT_IN_USE", metadata: { run: "a" } });
    await close("a");
    await expect(deleteSnapshot(place.context, 1, snapshot)).rejects.toMatchObject({ metadata: { run: "b" } });
    await close("b");
    expect((await getSnapshot(place.context, 1, snapshot)).expireTime?.seconds).toBe(place.now / 1_000_000n + 86_400n);
    await deleteSnapshot(place.context, 1, snapshot);
    await expect(getSnapshot(place.context, 1, snapshot)).rejects.toMatchObject({ reason: "SNAPSHOT_NOT_FOUND" });
  });

  test("many runs of one snapshot open and close at once", async () => {
    const names = Array.from({ length: 40 }, (_, number) => `run-${number}`);
    const opened = await Promise.all(names.map((run) => open(run)));
    const snapshot = opened[0]?.sources[0]?.snapshot ?? "";
    await Promise.all(names.slice(1).map((run) => close(run)));
    const refused = deleteSnapshot(place.context, 1, snapshot);
    await expect(refused).rejects.toMatchObject({ reason: "SNAPSHOT_IN_USE", metadata: { run: "run-0" } });
    await close("run-0");
    await deleteSnapshot(place.context, 1, snapshot);
  });

  test("sampling by weight goes together with sampling by loss", async () => {
    const records = [1, 1, 1, 5].map((weight, number) => ({ id: `w${number}`, fields: { text: `${number}`, weight } }));
    await upsert(place.context, 1, "weighted", records);
    const source = specSource({ collection: "weighted", format: "text", weighting: { weightField: "weight" } });
    const plan = normalisePlan(PlanSpec.fromPartial({ weightUse: WeightUse.WEIGHT_USE_SAMPLING }));
    await open("a", { ...adaptive, source, plan });
    const { hash } = await epochPlan(place.context, 1, { run: "a", epoch: 0 });
    const { order } = await place.context.plans.open(1, hash);
    const samples = Array.from({ length: 4 }, (_, index) => order.at(index).sample);
    expect(samples.filter((sample) => sample === 3).length).toBeGreaterThanOrEqual(2);
    // Of weight 5 and at least 5/3 of the mean loss, against 1 and at most the mean: more than three of four copies.
    const given = samples.map((sample, index) => [index, sample === 3 ? 5 : 1]);
    await losses("a", 0, Object.fromEntries(given));
    const next = await closeEpoch(place.context, 1, { ...held("a"), epoch: 0 });
    expect(next.sources[0]?.weightTable?.copies[3]).toBeGreaterThanOrEqual(3);
  });

  test("lists runs by age, newest first, page by page", async () => {
    for (const run of ["c", "a", "b"]) {
      await open(run);
      place.passSeconds(1);
    }
    await closeEpoch(place.context, 1, { ...held("b"), epoch: 0 });
    const consumed = { epoch: 1, nextIndex: 3n, step: 1n };
    await reportProgress(place.context, 1, { ...held("b"), consumed, step: 1n, metrics: { loss: 1 } });
    const first = await listRuns(place.context, 1, { limit: 2, end: undefined });
    expect(first.runs).toMatchObject([
      { consumed, epochs: [{ epoch: 1, sampleCount: 8n }], metrics: { loss: 1 }, lossPoints: [] },
      { epochs: [] },
    ]);
    expect(first.runs[0]?.epochs).toHaveLength(1);
    expect(first.runs.map(({ id }) => id)).toEqual(["b", "a"]);
    const second = await listRuns(place.context, 1, { limit: 2, end: first.next });
    expect(second.runs.map(({ id }) => id)).toEqual(["c"]);
    expect((await listRuns(place.context, 2, { limit: 2, end: undefined })).runs).toEqual([]);
  });
});
