import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";
import {
  BlockCache,
  Client,
  DatasetSpec,
  type PlanOptions,
  type RankBatch,
  type RecordInput,
  type SampleBatch,
  type StreamState,
  type TrainerOptions,
} from "./index.ts";

const count = 230;
const plan: PlanOptions = { shuffle: 2, seed: 7, globalBatchSize: 16, dropLast: true };
const batchCount = Math.floor(count / 16);

let folder: string;
let server: TestServer;
let client: Client;
let source: { snapshot: string };
let whole: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loraloop-trainer-"));
  await start(0);
  client = new Client({ address: server.address, token: server.token });
  await client.ingest("notes", notes());
  const weighting = { autoWeightByLength: true };
  const spec = DatasetSpec.fromPartial({ collection: "notes", format: "text", weighting });
  const { key } = await client.buildSnapshot({ source: { $case: "spec", value: spec } });
  source = { snapshot: key };
  whole = await linesOf(plan);
});

afterAll(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function start(port: number): Promise<void> {
  // A reader that has stopped holds the drain up.
  const configuration = { store: "rocksdb", listen_port: port, drain_seconds: 0.3 } as const;
  server = await startTestServer({ dataDirectory: folder, configuration });
}

async function restart(): Promise<void> {
  const port = Number(server.address.split(":").at(-1));
  await server[Symbol.asyncDispose]();
  await start(port);
}

function* notes(): Generator<RecordInput> {
  for (let number = 0; number < count; number += 1) {
    const text = `Note ${number}. ${"more ".repeat(number % 150)}`;
    yield { id: `note-${String(number).padStart(5, "0")}`, fieldsJson: JSON.stringify({ text }) };
  }
}

/** The plan by a stream without ranks: what batches must be made of. */
async function linesOf(options: PlanOptions): Promise<string[]> {
  const batches = await Array.fromAsync(client.stream(source, { plan: options }).batches());
  return textLines(batches);
}

function textLines(batches: readonly { ndjson(): Uint8Array }[]): string[] {
  return Buffer.concat(batches.map((batch) => batch.ndjson()))
    .toString()
    .split("\n")
    .slice(0, -1);
}

/** At most so many batches, and the state after them. */
async function take(options: TrainerOptions, batches = Number.POSITIVE_INFINITY): Promise<[RankBatch[], StreamState]> {
  const trainer = client.trainer(source, { ...plan, ...options });
  const taken: RankBatch[] = [];
  for await (const batch of trainer) if (taken.push(batch) >= batches) break;
  return [taken, trainer.stateDict()];
}

const ways: [string, () => TrainerOptions][] = [
  ["lines", () => ({})],
  ["zstd frames", () => ({ compression: "zstd" })],
  ["blocks in memory", () => ({ cache: new BlockCache() })],
  ["blocks in files", () => ({ cache: new BlockCache({ directory: join(folder, "blocks") }) })],
  ["blocks ahead of a small buffer", () => ({ cache: new BlockCache({ maxItems: 1 }), prefetchBytes: 1 })],
];

test.for(ways)("by %s, the ranks' batches are the global batches of the plan", async ([, way]) => {
  const ranks = await Promise.all([0, 1, 2].map((rank) => take({ rank, worldSize: 3, ...way() })));
  for (const [batches] of ranks)
    expect(batches.map((batch) => batch.globalBatch)).toEqual([...Array(batchCount).keys()]);
  for (let batch = 0; batch < batchCount; batch += 1) {
    const parts = ranks.map(([batches]) => batches[batch] as RankBatch);
    expect(textLines(parts)).toEqual(whole.slice(batch * 16, (batch + 1) * 16));
    expect(parts.map(({ length }) => length)).toEqual([5, 5, 6]);
    expect(parts.flatMap((part) => part.samples())).toEqual(textLines(parts).map((line) => JSON.parse(line)));
  }
});

test("a batch has ids, indices, samples, and the state after it, which all ranks share", async () => {
  const [[first], state] = await take({ rank: 1, worldSize: 4 }, 1);
  const [[other], otherState] = await take({ rank: 3, worldSize: 4 }, 1);
  expect(first?.indices).toEqual([4, 5, 6, 7]);
  expect(first?.ids).toHaveLength(4);
  expect(first?.samples()[0]).toEqual(JSON.parse(whole[4] ?? ""));
  expect(state).toMatchObject({ format: 1, epoch: 0, next_index: 16 });
  expect([first?.state, other?.state, otherState]).toEqual([state, state, state]);
});

test("workers take batches in turn; whoever consumes them keeps the state of the last", async () => {
  const trainers = [0, 1, 2].map((worker) => client.trainer(source, { ...plan, worker, workerCount: 3 }));
  const parts = await Promise.all(trainers.map((trainer) => Array.fromAsync(trainer)));
  const batches = parts.flat().toSorted((one, other) => one.globalBatch - other.globalBatch);
  expect(parts[1]?.map((batch) => batch.globalBatch)).toEqual([1, 4, 7, 10, 13]);
  expect(textLines(batches)).toEqual(whole);
  expect(batches[5]?.state.next_index).toBe(96);
  expect(() => trainers[0]?.stateDict()).toThrow(/keep the state of the batch/);
});

test("states go on in other worlds, with other workers and deliveries, twice in a row", async () => {
  const [first, state] = await take({}, 4);
  const [one, two] = await Promise.all(
    [0, 1].map((rank) =>
      take({ rank, worldSize: 2, resume: JSON.parse(JSON.stringify(state)), cache: new BlockCache() }, 3),
    ),
  );
  expect(one?.[1]).toEqual(two?.[1]);
  const rest = await Promise.all(
    [0, 1, 2, 3].map((worker) =>
      Array.fromAsync(
        client.trainer(source, {
          ...plan,
          worker,
          workerCount: 4,
          compression: "zstd",
          ...(one && { resume: one[1] }),
        }),
      ),
    ),
  );
  const middle = one?.[0].flatMap((batch, place) => [batch, two?.[0][place] as RankBatch]) ?? [];
  const last = rest.flat().toSorted((left, right) => left.globalBatch - right.globalBatch);
  expect(textLines([...first, ...middle, ...last])).toEqual(whole);
});

test("each epoch has an order of its own, and a state knows its epoch", async () => {
  const trainer = client.trainer(source, plan);
  trainer.setEpoch(1);
  const second = textLines(await Array.fromAsync(trainer));
  expect(second).toEqual(await linesOf({ ...plan, epoch: 1 }));
  expect(second).not.toEqual(whole);
  const [taken, state] = await take({ epoch: 1 }, 3);
  const resumed = client.trainer(source, plan);
  resumed.loadStateDict(state);
  // A training that counts its epochs anew.
  resumed.setEpoch(0);
  expect(resumed.epoch).toBe(1);
  expect(textLines([...taken, ...(await Array.fromAsync(resumed))])).toEqual(second);
  resumed.setEpoch(2);
  expect(textLines(await Array.fromAsync(resumed))).toEqual(await linesOf({ ...plan, epoch: 2 }));
});

test("a state at the end of an epoch gives nothing more; the next epoch begins at its beginning", async () => {
  const [, state] = await take({});
  expect(state.next_index).toBe(batchCount * 16);
  const trainer = client.trainer(source, { ...plan, resume: state });
  expect(await Array.fromAsync(trainer)).toEqual([]);
  trainer.loadStateDict(state);
  trainer.setEpoch(1);
  expect(await Array.fromAsync(trainer)).toHaveLength(batchCount);
});

test("a loop that was left begins the epoch anew, or where the loaded state stands", async () => {
  const trainer = client.trainer(source, plan);
  for await (const _batch of trainer) break;
  expect(textLines(await Array.fromAsync(trainer))).toEqual(whole);
  trainer.loadStateDict((await take({}, 2))[1]);
  for await (const _batch of trainer) break;
  expect(textLines(await Array.fromAsync(trainer))).toEqual(whole.slice(32));
  expect(textLines(await Array.fromAsync(trainer))).toEqual(whole);
});

test("several readers of a dataset that each would look up are refused, unless they have a state", async () => {
  const spec = DatasetSpec.fromPartial({ collection: "notes", format: "text" });
  await client.export.putDataset({ name: "notes", spec });
  for (const share of [{ worldSize: 2 }, { workerCount: 2 }]) {
    await expect(Array.fromAsync(client.trainer("notes", { ...plan, ...share }))).rejects.toThrow(/read the same/);
    const mixture = { sources: [{ source }, { source: { dataset: "notes" } }] };
    await expect(Array.fromAsync(client.trainer(undefined, { mixture, ...share }))).rejects.toThrow(/read the same/);
  }
  const alone = client.trainer("notes", plan);
  for await (const _batch of alone) break;
  const { hash } = await alone.plan();
  await client.corpus.upsertRecords({
    collection: "notes",
    records: [{ id: "later", fieldsJson: '{"text":"Later."}' }],
  });
  const rank = client.trainer("notes", { ...plan, worldSize: 2, resume: alone.stateDict() });
  expect((await rank.plan()).hash).toBe(hash);
  expect((await client.trainer("notes", plan).plan()).hash).not.toBe(hash);
  expect(await Array.fromAsync(rank)).toHaveLength(batchCount - 1);
});

test.for(["lines", "references"])("by %s, workers go on over a server that drains and starts again", async (way) => {
  const options = { rank: 1, worldSize: 2, workerCount: 2, batchSize: 3, plan: { ...plan, seed: 8 } };
  const expected = await linesOf(options.plan);
  // Nothing is read ahead, so that most of it comes from the second server.
  const cache = way === "lines" ? {} : { cache: new BlockCache({ maxItems: 1 }), prefetchBytes: 1 };
  const streams = [0, 1].map((worker) => client.stream(source, { ...options, worker, ...cache }).batches());
  const batches = await Promise.all(streams.map((stream) => stream.next()));
  await restart();
  const rest = await Promise.all(streams.map((stream) => Array.fromAsync(stream)));
  const parts: SampleBatch[] = [...batches.map(({ value }) => value), ...rest.flat()];
  const found = parts.flatMap((part) => textLines([part]).map((line, place) => [part.indices[place], line] as const));
  const due = expected.map((line, index) => [index, line] as const).filter(([index]) => index % 16 >= 8);
  expect(found.toSorted(([one = 0], [other = 0]) => one - other)).toEqual(due);
});

test("a plan without options is the snapshot's order, one sample a batch", async () => {
  const batches = await Array.fromAsync(client.trainer(source));
  expect(batches.map(({ ids }) => ids[0])).toEqual([...notes()].map(({ id }) => id));
  expect(batches.at(-1)?.state.next_index).toBe(count);
});

test("steps, plan and reasons are told", async () => {
  const trainer = client.trainer(source, { ...plan, worldSize: 2 });
  await expect(trainer.maxSteps({ epochs: 0 })).rejects.toThrow("epochs is 0; expected at least 1.");
  expect(await trainer.maxSteps({ epochs: 3, gradientAccumulationSteps: 4 })).toBe(3 * Math.ceil(batchCount / 4));
  const known = await trainer.plan();
  expect(known).toMatchObject({ globalBatchCount: BigInt(batchCount), sampleCount: BigInt(batchCount * 16) });
  expect((await client.getPlan({ hash: known.hash })).plan).toEqual(known);
  const { entries } = await client.explainPlan(source, { ...plan, firstIndex: 20, count: 3, worldSize: 2 });
  const [batches] = await take({}, 2);
  const ids = batches.flatMap((batch) => batch.ids);
  expect(entries.map(({ index, rank, recordId }) => [index, rank, recordId])).toEqual(
    [20, 21, 22].map((index) => [BigInt(index), 0, ids[index]]),
  );
});

test.for<[string, TrainerOptions, object]>([
  ["more ranks than samples", { worldSize: 17 }, { name: "RpcError", reason: "PLAN_INVALID" }],
  ["a last batch without all ranks", { dropLast: false, worldSize: 8 }, { reason: "PLAN_INVALID" }],
  ["a state of another plan", { seed: 9 }, { reason: "RESUME_OTHER_REQUEST" }],
])("%s is refused", async ([, options, error]) => {
  const [, state] = await take({}, 1);
  const resume = "seed" in options ? { resume: state } : {};
  await expect(take({ ...options, ...resume })).rejects.toMatchObject(error);
});

test("one of several ranks does not go on inside of a global batch", async () => {
  const stream = client.stream(source, { plan });
  let taken = 0;
  for await (const _sample of stream) if (++taken === 20) break;
  const resume = stream.stateDict();
  expect(resume.next_index).toBe(20);
  await expect(take({ resume, worldSize: 2 })).rejects.toMatchObject({
    name: "StateError",
    message: /index 20, inside/,
  });
  expect(textLines((await take({ resume }))[0])).toEqual(whole.slice(20));
});

test("closing ends a loop; there is no state before the first batch", async () => {
  await using trainer = client.trainer(source, plan);
  expect(() => trainer.stateDict()).toThrow(/no state before/);
  const loop = async (): Promise<void> => {
    for await (const _batch of trainer) trainer.close();
  };
  await loop().catch((error: Error) => expect(error.name).toBe("AbortError"));
});

test("a cache together with compression is refused before anything is sent", () => {
  const options = { cache: new BlockCache(), compression: "zstd" } as const;
  const refusal = 'compression "zstd" packs lines, and with a cache only references to blocks come: leave one out.';
  expect(() => client.trainer(source, options)).toThrow(refusal);
  expect(() => client.stream(source, options)).toThrow(refusal);
});
