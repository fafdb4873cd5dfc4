import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Client, DatasetSpec, type StreamState } from "../../clients/typescript/src/index.ts";
import { ChildLines } from "../fault/child-lines.ts";
import { python, root, startProgram } from "../support/command.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import {
  type BatchJob,
  type BatchPlan,
  type BatchReader,
  factsOf,
  optionsOf,
  pythonReader,
  type SampleFacts,
  sourceOf,
  typescriptReader,
} from "./batch-readers.ts";

/** Both clients read the same global batches, whatever the world, the workers and the delivery, and go on from each other's states. */
let server: LoraloopProcess;
let child: ChildLines;
let client: Client;
let [large, small] = ["", ""];
let readers: { typescript: BatchReader; python: BatchReader };

beforeAll(async () => {
  server = await LoraloopProcess.start();
  const program = join(root, "test/e2e/read_batches.py");
  child = new ChildLines(() => startProgram(python, [program], { env: server.environment }));
  client = new Client({ address: server.address, token: await server.token() });
  readers = { typescript: typescriptReader(client), python: pythonReader(child) };
  large = await makeSnapshot("large", 203);
  small = await makeSnapshot("small", 61);
  await trainOneEpoch("adaptive");
});

afterAll(async () => {
  client?.close();
  await child?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

/** About a kilobyte a sample, weights from 1 to 1.5, several pages. */
async function makeSnapshot(collection: string, count: number): Promise<string> {
  const records = Array.from({ length: count }, (_, number) => ({
    id: `${collection}-${number}`,
    fieldsJson: JSON.stringify({ text: `Ünïcode ${number} \u2028 ${"and so on ".repeat((number * 37) % 200)}` }),
  }));
  await client.ingest(collection, records);
  const spec = DatasetSpec.fromPartial({ collection, format: "text", weighting: { autoWeightByLength: true } });
  return (await client.buildSnapshot({ source: { $case: "spec", value: spec } })).key;
}

/** Leaves a run whose second epoch has the hard samples more often. */
async function trainOneEpoch(run: string): Promise<void> {
  const plan = { shuffle: true, seed: 8, globalBatchSize: 12 };
  await using open = await client.runs.open({ snapshot: large }, { run, ...plan, adaptiveSampling: {} });
  for await (const { indices } of client.trainer({ run })) {
    await open.reportLosses(
      0,
      indices,
      indices.map((index) => 1 / (1 + (index % 7))),
    );
  }
  await open.closeEpoch(0);
}

const plain: Omit<BatchPlan, "snapshot" | "mixture"> = {
  run: null,
  globalBatchSize: 12,
  epoch: 0,
  seed: 0,
  shuffle: false,
  dropLast: false,
  weights: "loss",
};

const one = (changes: Partial<BatchPlan>) => (): BatchPlan => ({
  ...plain,
  snapshot: large,
  mixture: null,
  ...changes,
});

const mixed =
  (mixture: Partial<NonNullable<BatchPlan["mixture"]>>, changes: Partial<BatchPlan> = {}) =>
  (): BatchPlan => {
    const sources = [
      { snapshot: large, proportion: 3 },
      { snapshot: small, proportion: 1 },
    ];
    const complete = { sources, exhaustion: "first", blockBatches: 0, ...mixture } as const;
    return { ...plain, snapshot: null, mixture: complete, dropLast: true, shuffle: 2, seed: 4, ...changes };
  };

const plans: [string, () => BatchPlan][] = [
  ["the snapshot's order", one({})],
  ["a shuffle in windows", one({ shuffle: 2, seed: 5 })],
  ["a shuffle of the whole set in a later epoch", one({ shuffle: true, seed: 2 ** 40, epoch: 3, globalBatchSize: 16 })],
  ["a last batch left out", one({ shuffle: 1, globalBatchSize: 33, dropLast: true })],
  ["sampling by weight", one({ shuffle: true, seed: 6, weights: "sampling" })],
  ["a mixture by proportion", mixed({ exhaustion: "all" }, { globalBatchSize: 16 })],
  ["a mixture that ends with its first source", mixed({}, { epoch: 1 })],
  ["a mixture in blocks", mixed({ blockBatches: 2 })],
  ["an adaptive epoch of a run", one({ snapshot: null, run: "adaptive", epoch: 1 })],
  ["a mixture with sampling, in blocks", mixed({ blockBatches: 1, exhaustion: "all" }, { weights: "sampling" })],
];

/** The plan by a stream without ranks, cut as global batches are defined. */
async function globalBatches(plan: BatchPlan): Promise<SampleFacts[][]> {
  const frames = await Array.fromAsync(client.stream(sourceOf(plan), { plan: optionsOf(plan) }).batches());
  const samples = frames.flatMap(factsOf);
  const batches: SampleFacts[][] = [];
  for (let first = 0; first < samples.length; first += plan.globalBatchSize) {
    batches.push(samples.slice(first, first + plan.globalBatchSize));
  }
  return batches;
}

/** Each index of the plan, once. */
function expectEachOnce(batches: readonly (readonly SampleFacts[])[], sampleCount: number): void {
  const indices = batches.flat().map(([index]) => index);
  expect(indices.toSorted((left, right) => left - right)).toEqual([...Array(sampleCount).keys()]);
}

/** Ways that samples come, for both languages in turn. */
function deliveries(place: number): Pick<BatchJob, "compression" | "cache"> {
  const folder = join(server.folder, "blocks");
  const ways = [
    { compression: "none", cache: null },
    { compression: "zstd", cache: null },
    { compression: "none", cache: folder },
  ] as const;
  return ways[place % ways.length] ?? ways[0];
}

const worldSizes = [1, 2, 3, 4];
const all = 1_000_000;

describe.for(plans)("%s", ([name, plan]) => {
  const place = plans.findIndex(([other]) => other === name);

  test.for(worldSizes)("read by %i ranks, with workers, in both languages", async (worldSize) => {
    const expected = await globalBatches(plan());
    const { plan: known } = await client.getPlan(sourceOf(plan()), optionsOf(plan()));
    expect(known?.globalBatchCount).toBe(BigInt(expected.length));
    const seen = Object.entries(readers).map(async ([_language, read], language) => {
      // Over all plans, every world meets every number of workers in both languages.
      const workers = (place + worldSize * (language + 1)) % 4;
      const job = {
        plan: plan(),
        worldSize,
        workers,
        state: null,
        batches: all,
        ...deliveries(place + worldSize + language),
      };
      return read(job);
    });
    for (const { batches, state } of await Promise.all(seen)) {
      expectEachOnce(batches, Number(known?.sampleCount));
      expect(batches).toEqual(expected);
      expect(state.next_index).toBe(Number(known?.sampleCount));
    }
  });

  test("states go from one language to the other and from world to world", async () => {
    const expected = await globalBatches(plan());
    const hops = [
      ["typescript", 1, 0],
      ["python", 2, 1],
      ["typescript", 4, 3],
      ["python", 3, 0],
      ["typescript", 2, 2],
      ["python", 1, 3],
    ] as const;
    const begin = place % 2;
    const batches: (readonly SampleFacts[])[] = [];
    let state: StreamState | null = null;
    for (const [hop, [language, worldSize, workers]] of [...hops.slice(begin), ...hops.slice(0, begin)].entries()) {
      const last = hop === hops.length - 1;
      const job = { plan: plan(), worldSize, workers, state, batches: last ? all : 2, ...deliveries(place + hop) };
      const answer = await readers[language](job);
      batches.push(...answer.batches);
      state = answer.state;
      expect(state.next_index).toBe(batches.flat().length);
    }
    expect(batches).toEqual(expected);
  });
});

test.for([
  ["typescript", "python"],
  ["python", "typescript"],
] as const)("blocks that %s has read are not fetched again by %s", async ([first, second]) => {
  const cache = join(server.folder, `blocks-of-${first}`);
  const job = {
    plan: one({ shuffle: true })(),
    worldSize: 1,
    workers: 0,
    compression: "none",
    cache,
    state: null,
    batches: all,
  } as const;
  const { batches } = await readers[first](job);
  const files = await blockFiles(cache);
  expect(files.length).toBeGreaterThan(0);
  expect((await readers[second](job)).batches).toEqual(batches);
  expect(await blockFiles(cache)).toEqual(files);
});

/** Names and inodes: a block that is fetched again is another file. */
async function blockFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const blocks = entries.filter((entry) => entry.isFile() && /^[0-9a-f]{64}$/.test(entry.name));
  const paths = blocks.map((entry) => join(entry.parentPath, entry.name)).toSorted();
  return Promise.all(paths.map(async (path) => `${path} ${(await stat(path)).ino}`));
}
