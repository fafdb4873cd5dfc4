import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";
import { Client, DatasetSpec, type Run, Run_State } from "./index.ts";

const count = 40;
const plan = { shuffle: true, seed: 3, globalBatchSize: 8 } as const;

let folder: string;
let server: TestServer;
let client: Client;
let source: { snapshot: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loraloop-runs-"));
  await start(0);
  client = new Client({ address: server.address, token: server.token });
  const records = Array.from({ length: count }, (_, number) => ({
    id: `r${number}`,
    fieldsJson: `{"text":"${number}"}`,
  }));
  await client.ingest("notes", records);
  const spec = DatasetSpec.fromPartial({ collection: "notes", format: "text" });
  source = { snapshot: (await client.buildSnapshot({ source: { $case: "spec", value: spec } })).key };
});

afterAll(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function start(port: number): Promise<void> {
  const configuration = { store: "rocksdb", listen_port: port, drain_seconds: 0.3 } as const;
  server = await startTestServer({ dataDirectory: folder, configuration });
}

async function restart(): Promise<void> {
  const port = Number(server.address.split(":").at(-1));
  await server[Symbol.asyncDispose]();
  await start(port);
}

test("a training by a run: batches of its epochs, progress, losses, a result", async () => {
  await using run = await client.runs.open(source, { run: "tone-1", ...plan, environment: { baseModel: "tiny" } });
  const environment = { baseModel: "tiny", packageVersions: { node: process.versions.node } };
  expect(await run.get()).toMatchObject({ id: "tone-1", state: Run_State.STATE_OPEN, environment });
  const trainer = client.trainer({ run: run.id });
  let step = 0;
  for await (const batch of trainer) {
    step += 1;
    const losses = batch.indices.map((index) => index / 10);
    await run.reportLosses(0, batch.indices, losses);
    const consumed = { epoch: 0, nextIndex: batch.state.next_index, step };
    await run.reportProgress({ consumed, metrics: { loss: 1 / step } });
  }
  const next = await run.closeEpoch(0);
  expect(await run.closeEpoch(0)).toEqual(next);
  const known = await client.runs.get(run.id);
  expect(known).toMatchObject({ consumed: { epoch: 0, nextIndex: BigInt(count), step: 5n }, metrics: { loss: 0.2 } });
  expect(known.lossPoints).toHaveLength(5);
  const losses = await Array.fromAsync(client.runs.losses(run.id, 0));
  expect(losses).toEqual(Array.from({ length: count }, (_, index) => ({ index, loss: Math.fround(index / 10) })));

  trainer.setEpoch(1);
  const ids = (await Array.fromAsync(trainer)).flatMap((batch) => batch.ids);
  const stream = client.stream(source, { plan: { ...plan, epoch: 1 } });
  expect(ids).toEqual((await Array.fromAsync(stream.batches())).flatMap((batch) => batch.ids));
  expect((await trainer.plan()).hash).toBe(next.hash);

  const closed = await run.close({ adapterVersion: "tone:1" });
  expect(closed).toMatchObject({ state: Run_State.STATE_SUCCEEDED, result: { adapterVersion: "tone:1" } });
  expect((await run.close({ adapterVersion: "tone:1" })).state).toBe(Run_State.STATE_SUCCEEDED);
});

test("adaptive sampling: hard samples come more often in the next epoch, and a state goes on there", async () => {
  await using run = await client.runs.open(source, { ...plan, adaptiveSampling: { exponent: 1 } });
  const indices = Array.from({ length: count }, (_, index) => index);
  await run.reportLosses(
    0,
    indices,
    indices.map((index) => (index < 4 ? 10 : 0.1)),
  );
  const hard = new Set((await Array.fromAsync(client.trainer({ run: run.id }))).flatMap(({ ids }) => ids).slice(0, 4));
  await run.closeEpoch(0);
  const second = (await Array.fromAsync(client.trainer({ run: run.id }, { epoch: 1 }))).flatMap(({ ids }) => ids);
  expect(second.filter((id) => hard.has(id)).length).toBeGreaterThan(8);
  const trainer = client.trainer({ run: run.id }, { epoch: 1 });
  const taken: string[] = [];
  for await (const batch of trainer) if (taken.push(...batch.ids) === 16) break;
  const resumed = client.trainer({ run: run.id }, { resume: trainer.stateDict(), worldSize: 1 });
  expect([...taken, ...(await Array.fromAsync(resumed)).flatMap(({ ids }) => ids)]).toEqual(second);
});

test("an epoch that is not open yet is refused", async () => {
  await using run = await client.runs.open(source, { ...plan, adaptiveSampling: {} });
  const early = Array.fromAsync(client.trainer({ run: run.id }, { epoch: 1 }));
  await expect(early).rejects.toMatchObject({ reason: "EPOCH_NOT_OPEN" });
});

test("a watch tells what changes, over a server that starts again, until the run is closed", async () => {
  await using run = await client.runs.open(source, plan);
  const seen: Run[] = [];
  const watching = (async () => {
    for await (const state of client.runs.watch(run.id)) seen.push(state);
  })();
  await expect.poll(() => seen.length).toBeGreaterThan(0);
  await run.reportProgress({ step: 3, metrics: { loss: 0.5 } });
  await expect.poll(() => seen.at(-1)?.metrics).toEqual({ loss: 0.5 });
  // Another rank says something while the server is away.
  const restarted = restart();
  await client.runs.attach(run.id).reportLosses(0, [1], [0.25]);
  await restarted;
  expect((await run.get()).epochs[0]).toMatchObject({ lossCount: 1n, meanLoss: 0.25 });
  await run.close({ succeeded: false, message: "out of memory" });
  await watching;
  expect(seen.at(-1)).toMatchObject({ state: Run_State.STATE_FAILED, result: { message: "out of memory" } });
});

test("runs are listed, newest first", async () => {
  const run = await client.runs.open(source, { run: "last", ...plan });
  await run.close();
  const ids = (await Array.fromAsync(client.runs.list())).map(({ id }) => id);
  expect(ids[0]).toBe("last");
  expect(ids).toContain("tone-1");
});

test("opened again, it is the same run; closed by somebody, its signal says so", async () => {
  await client.runs.open(source, { run: "shared", ...plan, leaseSeconds: 10 });
  await using again = await client.runs.open(source, { run: "shared", ...plan, leaseSeconds: 10 });
  const conflicting = client.runs.open(source, { run: "shared", ...plan, seed: 4 });
  await expect(conflicting).rejects.toMatchObject({ reason: "RUN_CONFLICT" });
  const lost = new Promise((resolve) => again.signal.addEventListener("abort", resolve, { once: true }));
  await client.runs.attach("shared").close();
  await lost;
  expect(again.signal.reason).toMatchObject({ name: "RpcError", reason: "RUN_CONFLICT" });
});

test("who opened it before is told, and changes nothing; ranks that attach hold it together", async () => {
  await using run = await client.runs.open(source, { run: "fenced", ...plan, leaseSeconds: 10 });
  const rank = client.runs.attach("fenced");
  await rank.reportLosses(0, [1], [0.5]);
  const lost = new Promise((resolve) => run.signal.addEventListener("abort", resolve, { once: true }));
  await using again = await client.runs.open(source, { run: "fenced", ...plan });
  await again.reportProgress({ consumed: { epoch: 0, nextIndex: 16, step: 2 } });
  for (const stale of [run, rank]) {
    const said = stale.reportProgress({ consumed: { epoch: 0, nextIndex: 8, step: 1 } });
    await expect(said).rejects.toMatchObject({ reason: "RUN_CONFLICT" });
  }
  await client.runs.attach("fenced").reportLosses(0, [2], [0.5]);
  expect(await again.get()).toMatchObject({ consumed: { nextIndex: 16n }, epochs: [{ lossCount: 2n }] });
  await lost;
  expect(run.signal.reason).toMatchObject({ metadata: { problem: "was opened by another process since" } });
});

test("losses and indices come in pairs; a run that is not there is told", async () => {
  await using run = await client.runs.open(source, plan);
  await expect(run.reportLosses(0, [1, 2], [0.5])).rejects.toThrow("2 indices came with 1 losses");
  await expect(client.runs.get("nothing")).rejects.toMatchObject({ reason: "RUN_NOT_FOUND" });
  await expect(Array.fromAsync(client.runs.watch("nothing"))).rejects.toMatchObject({ reason: "RUN_NOT_FOUND" });
});
