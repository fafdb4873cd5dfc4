import { type Client, Status } from "nice-grpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TokenServiceDefinition } from "../../../proto/gen/loraloop/auth/v1/token_service.ts";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { type Run, Run_State, RunServiceDefinition } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { failure } from "../../../test/support/failure.ts";
import { specSource } from "../../../test/support/samples.ts";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";
import { limits } from "../../kit/limits.ts";

const source = specSource({ collection: "docs", format: "text" });
/** Every opening here has this one unless it says another. */
const lease = "holder";
const result = { succeeded: true, message: "", adapterVersion: "" };

async function fill(server: TestServer, token?: string): Promise<void> {
  const records = Array.from({ length: 20 }, (_, number) => ({
    id: `r${number}`,
    fieldsJson: `{"text":"t${number}"}`,
  }));
  await server.client(CorpusServiceDefinition, token).upsertRecords({ collection: "docs", records });
}

describe("the run service", () => {
  let server: TestServer;
  let runs: Client<RunServiceDefinition>;

  beforeAll(async () => {
    server = await startTestServer();
    await fill(server);
    runs = server.client(RunServiceDefinition);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function shown(run: string): Promise<Run | undefined> {
    return (await runs.getRun({ run })).run;
  }

  test("keeps everything that a training says", async () => {
    const environment = {
      packageVersions: { torch: "2.9.1", peft: "0.18.0" },
      baseModel: "tiny@abc",
      seed: 7n,
      worldSize: 2,
      configurationJson: `{"learning_rate":0.001}`,
    };
    const plan = { shuffle: { windowPages: 4 }, globalBatchSize: 4, seed: 7n };
    const { run } = await runs.openRun({ lease, run: "tone.1", source, plan, environment, leaseSeconds: 100 });
    expect(run).toMatchObject({
      id: "tone.1",
      state: Run_State.STATE_OPEN,
      environment,
      plan: { shuffle: { windowPages: 4 }, globalBatchSize: 4, seed: 7n },
      epochs: [{ epoch: 0, sampleCount: 20n, closed: false, lossCount: 0n, meanLoss: undefined }],
      sources: [{ dataset: "", datasetVersion: 0, sampleCount: 20n }],
    });
    const { leaseExpireTime } = await runs.renewRun({ lease, run: "tone.1" });
    expect(Number(leaseExpireTime?.seconds) * 1000).toBeGreaterThan(Date.now() + 90_000);
    await runs.reportLosses({ lease, run: "tone.1", epoch: 0, indices: [0n, 19n], losses: [0.5, 1.5] });
    await runs.reportProgress({
      run: "tone.1",
      lease,
      consumed: { epoch: 0, nextIndex: 8n, step: 2n },
      step: 2n,
      metrics: { loss: 1 },
    });
    const { plan: next } = await runs.closeEpoch({ lease, run: "tone.1", epoch: 0 });
    expect(await shown("tone.1")).toMatchObject({
      consumed: { epoch: 0, nextIndex: 8n, step: 2n },
      metrics: { loss: 1 },
      lossPoints: [{ step: 2n, value: 1 }],
      epochs: [
        { epoch: 0, closed: true, lossCount: 2n, meanLoss: 1 },
        { epoch: 1, closed: false, plan: next?.hash, sampleCount: 20n },
      ],
    });
    expect(next?.spec).toMatchObject({ epoch: 1, seed: 7n });
    expect(await runs.closeEpoch({ lease, run: "tone.1", epoch: 0 })).toEqual({ plan: next });
    const closed = await runs.closeRun({ run: "tone.1", result: { ...result, adapterVersion: "tone:1" } });
    expect(closed.run).toMatchObject({ state: Run_State.STATE_SUCCEEDED, result: { adapterVersion: "tone:1" } });
    expect((await runs.listRuns({})).runs.map(({ id }) => id)).toContain("tone.1");
  });

  test("gives a run without an id a new one each time", async () => {
    const [one, two] = [await runs.openRun({ source }), await runs.openRun({ source })];
    expect(one.run?.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(two.run?.id).not.toBe(one.run?.id);
  });

  test("streams and explains an epoch of a run, in the order of its plan", async () => {
    const exports = server.client(ExportServiceDefinition);
    await runs.openRun({ lease, run: "streamed", source, plan: { shuffle: {} }, adaptiveSampling: {} });
    const idsOf = async (epoch: number): Promise<string[]> => {
      const ids: string[] = [];
      for await (const { frame } of exports.streamSamples({ runEpoch: { run: "streamed", epoch } })) {
        if (frame?.$case === "batch") ids.push(...frame.value.ids);
      }
      return ids;
    };
    const first = await idsOf(0);
    expect(new Set(first).size).toBe(20);
    expect(await failure(exports.streamSamples({ runEpoch: { run: "streamed", epoch: 1 } }))).toMatchObject({
      reason: "EPOCH_NOT_OPEN",
      metadata: { run: "streamed", epoch: "1" },
    });
    const losses = first.map((id) => (id === "r3" ? 100 : 1));
    await runs.reportLosses({
      lease,
      run: "streamed",
      epoch: 0,
      indices: first.map((_, index) => BigInt(index)),
      losses,
    });
    const { plan } = await runs.closeEpoch({ lease, run: "streamed", epoch: 0 });
    expect(plan?.sources[0]?.weightTable).toMatch(/^[0-9a-f]{64}$/);
    const second = await idsOf(1);
    // Of weights 4 and 19 times 1/4 sample r3 has 20 * 4 / 8.75 copies, give or take less than one.
    expect(second).toHaveLength(20);
    expect([9, 10]).toContain(second.filter((id) => id === "r3").length);
    const { entries } = await exports.explainPlan({ runEpoch: { run: "streamed", epoch: 1 }, count: 20 });
    expect(entries.map(({ recordId }) => recordId)).toEqual(second);
    await runs.closeRun({ run: "streamed", result });
    expect(await idsOf(1)).toEqual(second);
  });

  test("a watcher sees the run now, its changes and its end", async () => {
    await runs.openRun({ lease, run: "watched", source });
    const seen: (Run | undefined)[] = [];
    for await (const { run } of runs.watchRun({ run: "watched" })) {
      seen.push(run);
      const step = BigInt(seen.length);
      if (seen.length < 3) await runs.reportProgress({ lease, run: "watched", step, metrics: { loss: seen.length } });
      else await runs.closeRun({ run: "watched", result: { ...result, succeeded: false, message: "out of memory" } });
    }
    expect(seen.map((run) => run?.metrics["loss"])).toEqual([undefined, 1, 2, 2]);
    expect(seen.at(-1)).toMatchObject({ state: Run_State.STATE_FAILED, result: { message: "out of memory" } });
  });

  test("who opens a run is its holder, told by a lease that the server makes where none came", async () => {
    const first = (await runs.openRun({ run: "fenced", source, lease: "x".repeat(64) })).run;
    expect(first?.lease).toBe("x".repeat(64));
    const second = (await runs.openRun({ run: "fenced", source })).run;
    expect(second?.lease).toMatch(/^[0-9a-f-]{36}$/);
    expect(await shown("fenced")).toMatchObject({ lease: second?.lease });
    const at = { run: "fenced", epoch: 0, lease: first?.lease ?? "" };
    const calls = {
      renewRun: () => runs.renewRun(at),
      reportProgress: () => runs.reportProgress({ ...at, metrics: { loss: 1 } }),
      reportLosses: () => runs.reportLosses({ ...at, indices: [0n], losses: [1] }),
      closeEpoch: () => runs.closeEpoch(at),
      closeRun: () => runs.closeRun({ ...at, result }),
    };
    for (const [name, call] of Object.entries(calls)) {
      const problem = "was opened by another process since";
      expect([name, await failure(call())]).toMatchObject([name, { reason: "RUN_CONFLICT", metadata: { problem } }]);
    }
    expect((await runs.closeRun({ run: "fenced", result })).run?.state).toBe(Run_State.STATE_SUCCEEDED);
  });

  test("to read an epoch changes nothing in the run", async () => {
    const tokens = server.client(TokenServiceDefinition);
    const { secret } = await tokens.createToken({ scopes: ["export.read"] });
    await runs.openRun({ lease, run: "read", source });
    const before = await shown("read");
    const reader = server.client(ExportServiceDefinition, secret);
    const epoch = limits.run_epochs - 1;
    const { plan } = await reader.getPlan({ runEpoch: { run: "read", epoch } });
    expect(plan?.spec?.epoch).toBe(epoch);
    expect(await failure(reader.getPlan({ runEpoch: { run: "read", epoch: epoch + 1 } }))).toMatchObject({
      metadata: { limit: "run_epochs" },
    });
    expect(await shown("read")).toEqual(before);
  });

  test("losses come back by index, page by page", async () => {
    await runs.openRun({ lease, run: "losses", source });
    await runs.reportLosses({ lease, run: "losses", epoch: 0, indices: [5n, 1n, 9n], losses: [5, 1, 9] });
    const first = await runs.listLosses({ run: "losses", epoch: 0, pageSize: 2 });
    expect(first).toMatchObject({ indices: [1n, 5n], losses: [1, 5] });
    const second = await runs.listLosses({ run: "losses", epoch: 0, pageSize: 2, pageToken: first.nextPageToken });
    expect(second).toEqual({ indices: [9n], losses: [9], nextPageToken: "" });
    const other = runs.listLosses({ run: "losses", epoch: 1, pageToken: first.nextPageToken });
    expect(await failure(other)).toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
  });

  test("says what is wrong with a request", async () => {
    const cases: [Promise<unknown>, object][] = [
      [runs.openRun({ run: "Tone", source }), { reason: "FIELD_INVALID", fields: ["run"] }],
      [runs.openRun({}), { reason: "PLAN_INVALID", metadata: { field: "source" } }],
      [runs.openRun({ source, plan: { epoch: 1 } }), { reason: "PLAN_INVALID", metadata: { field: "plan.epoch" } }],
      [runs.openRun({ source, leaseSeconds: 9 }), { fields: ["lease_seconds"] }],
      [runs.openRun({ source, lease: "a b" }), { fields: ["lease"] }],
      [runs.openRun({ source, lease: "x".repeat(65) }), { fields: ["lease"] }],
      [runs.openRun({ source, leaseSeconds: 86_401 }), { fields: ["lease_seconds"] }],
      [runs.openRun({ source, adaptiveSampling: { exponent: 9 } }), { fields: ["adaptive_sampling.exponent"] }],
      [runs.openRun({ source, adaptiveSampling: { minimum: 0 } }), { fields: ["adaptive_sampling.minimum"] }],
      [runs.openRun({ source, adaptiveSampling: { maximum: 65 } }), { fields: ["adaptive_sampling.maximum"] }],
      [runs.openRun({ source, adaptiveSampling: { minimum: 5 } }), { fields: ["adaptive_sampling.maximum"] }],
      [
        runs.openRun({ plan: { mixture: { sources: [{ source }] } }, adaptiveSampling: {} }),
        { reason: "PLAN_INVALID", metadata: { field: "plan.mixture" } },
      ],
      [
        runs.openRun({ source, environment: { configurationJson: "[]" } }),
        { fields: ["environment.configuration_json"] },
      ],
      [runs.getRun({ run: "nothing" }), { reason: "RUN_NOT_FOUND", metadata: { run: "nothing" } }],
      [runs.closeRun({ run: "nothing" }), { fields: ["result"] }],
    ];
    for (const [call, expected] of cases) expect(await failure(call)).toMatchObject(expected);
    await runs.openRun({ lease, run: "wrong", source, adaptiveSampling: {} });
    const at = { run: "wrong", epoch: 0 };
    const consumed = { epoch: 0, nextIndex: 21n, step: 0n };
    expect(await failure(runs.reportLosses({ lease, ...at, indices: [20n], losses: [1] }))).toMatchObject({
      fields: ["indices[0]"],
    });
    expect(await failure(runs.reportLosses({ lease, ...at, indices: [1n], losses: [] }))).toMatchObject({
      fields: ["losses"],
    });
    expect(await failure(runs.reportProgress({ lease, run: "wrong", consumed }))).toMatchObject({
      fields: ["consumed.next_index"],
    });
    expect(await failure(runs.reportProgress({ lease, run: "wrong", metrics: { loss: Number.NaN } }))).toMatchObject({
      fields: ["metrics.loss"],
    });
    expect(await failure(runs.closeEpoch({ lease, ...at, epoch: 1 }))).toMatchObject({ reason: "EPOCH_NOT_OPEN" });
    expect(await failure(runs.listLosses({ ...at, epoch: 1 }))).toMatchObject({ reason: "EPOCH_NOT_OPEN" });
    expect(await failure(runs.listLosses({ ...at, pageSize: -1 }))).toMatchObject({ fields: ["page_size"] });
  });

  test("keeps to its limits", async () => {
    await runs.openRun({ lease, run: "limits", source });
    const losses = (count: number) =>
      runs.reportLosses({
        lease,
        run: "limits",
        epoch: 0,
        indices: Array(count).fill(3n),
        losses: Array(count).fill(1),
      });
    const metrics = (count: number, name = "m", first = 0) => {
      const entries = Array.from({ length: count }, (_, place) => [`${name}${first + place}`, 1]);
      return runs.reportProgress({ lease, run: "limits", metrics: Object.fromEntries(entries) });
    };
    const environment = (bytes: number) =>
      runs.openRun({ lease, run: "limits", source, environment: { baseModel: "x".repeat(bytes) } });
    const close = (bytes: number) => runs.closeRun({ run: "limits", result: { message: "x".repeat(bytes) } });
    const name = "n".repeat(limits.metric_name_bytes - 1);
    // A message of 64 kB and more has 4 bytes around it.
    const at: [keyof typeof limits, () => Promise<unknown>, () => Promise<unknown>][] = [
      ["call_losses", () => losses(limits.call_losses), () => losses(limits.call_losses + 1)],
      ["call_metrics", () => metrics(limits.call_metrics), () => metrics(limits.call_metrics + 1)],
      ["metric_name_bytes", () => metrics(1, name), () => metrics(1, `${name}n`)],
      [
        "run_environment_bytes",
        () => environment(limits.run_environment_bytes - 4),
        () => environment(limits.run_environment_bytes - 3),
      ],
      ["run_epochs", () => epoch(limits.run_epochs - 1), () => epoch(limits.run_epochs)],
      ["run_metrics", () => fillMetrics(), () => metrics(1, "over")],
      ["run_result_bytes", () => close(limits.run_result_bytes - 4), () => close(limits.run_result_bytes - 3)],
    ];
    const epoch = (number: number) =>
      runs.reportProgress({ lease, run: "limits", consumed: { epoch: number, nextIndex: 0n, step: 0n } });
    const fillMetrics = async () => {
      const there = Object.keys((await shown("limits"))?.metrics ?? {}).length;
      for (let first = there; first < limits.run_metrics; first += limits.call_metrics) {
        await metrics(Math.min(limits.call_metrics, limits.run_metrics - first), "k", first);
      }
    };
    for (const [limit, inside, outside] of at) {
      if (limit === "run_metrics") await inside();
      expect(await failure(outside()), limit).toMatchObject({ reason: "LIMIT_EXCEEDED", metadata: { limit } });
      if (limit !== "run_metrics") await inside();
    }
    expect((await shown("limits"))?.epochs.map((one) => one.epoch)).toEqual([0, limits.run_epochs - 1]);
  });

  test("needs run.read to look and run.write to change", async () => {
    const tokens = server.client(TokenServiceDefinition);
    await runs.openRun({ lease, run: "scopes", source });
    const reader = server.client(RunServiceDefinition, (await tokens.createToken({ scopes: ["run.read"] })).secret);
    const writer = server.client(RunServiceDefinition, (await tokens.createToken({ scopes: ["run.write"] })).secret);
    expect((await reader.getRun({ run: "scopes" })).run?.id).toBe("scopes");
    expect((await writer.renewRun({ lease, run: "scopes" })).leaseExpireTime).toBeDefined();
    const refused = [
      reader.renewRun({ lease, run: "scopes" }),
      writer.getRun({ run: "scopes" }),
      reader.closeRun({ run: "scopes" }),
    ];
    for (const call of refused) expect((await failure(call)).code).toBe(Status.PERMISSION_DENIED);
  });
});

test("a run is its tenant's own", async () => {
  await using server = await startTestServer();
  const tokens = server.client(TokenServiceDefinition, server.systemToken);
  const scopes = ["corpus.read", "corpus.write", "export.read", "export.write", "run.read", "run.write"];
  const [owner, stranger] = [
    (await tokens.createToken({ tenant: "owner", scopes })).secret,
    (await tokens.createToken({ tenant: "stranger", scopes })).secret,
  ];
  await fill(server, owner);
  const own = server.client(RunServiceDefinition, owner);
  const { run } = await own.openRun({ lease, run: "shared-name", source });
  const runs = server.client(RunServiceDefinition, stranger);
  const at = { run: "shared-name", epoch: 0 };
  const calls = {
    renewRun: runs.renewRun(at),
    reportProgress: runs.reportProgress({ lease, run: at.run, consumed: { epoch: 0, nextIndex: 1n, step: 1n } }),
    reportLosses: runs.reportLosses({ lease, ...at, indices: [0n], losses: [1] }),
    closeEpoch: runs.closeEpoch(at),
    closeRun: runs.closeRun({ run: at.run, result }),
    getRun: runs.getRun(at),
    listLosses: runs.listLosses(at),
    watchRun: runs.watchRun(at),
    stream: server.client(ExportServiceDefinition, stranger).streamSamples({ runEpoch: at }),
  };
  for (const [name, call] of Object.entries(calls)) {
    expect([name, (await failure(call)).reason]).toEqual([name, "RUN_NOT_FOUND"]);
  }
  expect((await runs.listRuns({})).runs).toEqual([]);
  await fill(server, stranger);
  const other = await runs.openRun({ lease, run: "shared-name", source });
  expect(other.run?.sources[0]?.snapshot).not.toBe("");
  expect((await own.getRun({ run: "shared-name" })).run).toEqual(run);
});

test("a server that stops ends a watch with DRAINING", async () => {
  const server = await startTestServer({ configuration: { drain_seconds: 5 } });
  await fill(server);
  const runs = server.client(RunServiceDefinition);
  await runs.openRun({ lease, run: "a", source });
  const watch = runs.watchRun({ run: "a" })[Symbol.asyncIterator]();
  await watch.next();
  const closed = server.service.close();
  expect(await failure(watch.next())).toMatchObject({ reason: "DRAINING" });
  await closed;
  await server[Symbol.asyncDispose]();
});
