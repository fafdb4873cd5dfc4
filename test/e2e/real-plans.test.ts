import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Client } from "../../clients/typescript/src/index.ts";
import { type Fields, readRecords, realFiles } from "../data/real-data.ts";
import { ChildLines } from "../fault/child-lines.ts";
import { python, resultOf, root, startProgram } from "../support/command.ts";
import { commandLine } from "../support/command-line.ts";
import { readShards } from "../support/exported-folder.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import {
  type BatchPlan,
  type BatchReader,
  digestOf,
  factsOf,
  optionsOf,
  pythonReader,
  type SampleFacts,
  sourceOf,
  typescriptReader,
} from "./batch-readers.ts";
import { expectedSamples, expectedText, type Rules } from "./expected-samples.ts";

/** All real records through every way in which samples come, compared with what this file computes from the records. */
interface Collection {
  readonly spec: object;
  readonly rules: Rules;
  readonly files: readonly string[] | undefined;
}

interface Loaded {
  readonly snapshot: string;
  /** All lines, in the order of the snapshot. */
  readonly text: string;
  /** Weight and digest of each record's sample. */
  readonly samples: ReadonlyMap<string, { readonly weight: number; readonly digest: string }>;
}

const weights = { weighted: true, weightByLength: true } as const;
const weighting = { auto_weight_by_length: true };

const collections: Readonly<Record<string, Collection>> = {
  "court-decisions": {
    files: realFiles("court-decisions"),
    spec: { format: "text", weighting },
    rules: { ...weights, sample: ({ text }) => ({ text }), output: ({ text }) => String(text) },
  },
  gsm8k: {
    files: realFiles("gsm8k"),
    spec: { format: "instruction", mapping: { instruction: "question", output: "answer" }, weighting },
    rules: {
      ...weights,
      sample: ({ question, answer }) => ({ instruction: question, output: answer }),
      output: ({ answer }) => String(answer),
    },
  },
};
const isThere = Object.values(collections).every(({ files }) => files !== undefined);

let server: LoraloopProcess;
let child: ChildLines;
let client: Client;
let readers: { readonly [language: string]: BatchReader };
const loaded = new Map<string, Loaded>();
const { run, runJson, place, writeJson } = commandLine(() => server);

beforeAll(async () => {
  if (!isThere) return;
  server = await LoraloopProcess.start();
  client = new Client({ address: server.address, token: await server.token() });
  const program = join(root, "test/e2e/read_batches.py");
  child = new ChildLines(() => startProgram(python, [program], { env: server.environment }));
  readers = { typescript: typescriptReader(client), python: pythonReader(child) };
  for (const [name, collection] of Object.entries(collections)) loaded.set(name, await load(name, collection));
});

afterAll(async () => {
  if (!isThere) return;
  client.close();
  await child[Symbol.asyncDispose]();
  expect(server.errors).toBe("");
  await server[Symbol.asyncDispose]();
});

async function load(name: string, { files = [], spec, rules }: Collection): Promise<Loaded> {
  await run("ingest", name, ...files, "--id-field", "id");
  await run("dataset", "put", name, writeJson(`${name}.spec.json`, { collection: name, ...spec }));
  const { key } = await runJson<{ key: string }>("snapshot", "build", name);
  const samples = expectedSamples(readRecords(files), rules);
  const facts = samples.map(({ id, line, weightMicros = 0 }) => {
    const digest = digestOf(JSON.parse(line) as Fields);
    return [id, { weight: weightMicros / 1e6, digest }] as const;
  });
  expect(facts.length).toBeGreaterThan(1_000);
  return { snapshot: key, text: expectedText(samples), samples: new Map(facts) };
}

function loadedOf(name: string): Loaded {
  const found = loaded.get(name);
  if (found === undefined) throw new Error(`${name} was not loaded.`);
  return found;
}

/** One of which no last batch is too small for two ranks. */
function batchSizeFor(...sampleCounts: readonly number[]): number {
  const sizes = [24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 37];
  const size = sizes.find((each) => sampleCounts.every((count) => count % each !== 1));
  if (size === undefined) throw new Error(`No global batch size fits ${sampleCounts.join(" and ")} samples.`);
  return size;
}

function planOf(name: string, changes: Partial<BatchPlan> = {}): BatchPlan {
  const { snapshot, samples } = loadedOf(name);
  const plain = {
    run: null,
    epoch: 0,
    seed: 11,
    shuffle: true,
    dropLast: false,
    weights: "loss",
    mixture: null,
  } as const;
  return { ...plain, snapshot, globalBatchSize: batchSizeFor(samples.size), ...changes };
}

/** Reads a plan with two ranks of two workers each, by both clients, with and without a block cache: the same batches everywhere. */
async function readEverywhere(plan: BatchPlan): Promise<SampleFacts[]> {
  const frames = await Array.fromAsync(client.stream(sourceOf(plan), { plan: optionsOf(plan) }).batches());
  const samples = frames.flatMap(factsOf);
  for (const [language, read] of Object.entries(readers)) {
    for (const cache of [null, place(`blocks-${language}`)]) {
      const part = { worldSize: 2, workers: 2, compression: "none", state: null, batches: 1_000_000 } as const;
      const { batches, state } = await read({ plan, ...part, cache });
      const sizes = new Set(batches.slice(0, -1).map((batch) => batch.length));
      expect([...sizes]).toEqual([plan.globalBatchSize]);
      expectSame(batches.flat(), samples);
      expect(state.next_index).toBe(samples.length);
    }
  }
  expect(samples.every(([index], position) => index === position)).toBe(true);
  return samples;
}

/** A difference of thousands is not printed whole. */
function expectSame<T>(actual: readonly T[], expected: readonly T[]): void {
  expect(actual.length).toBe(expected.length);
  const other = actual.findIndex((each, place) => JSON.stringify(each) !== JSON.stringify(expected[place]));
  expect([other, actual[other]]).toEqual([-1, expected[other]]);
}

/** How often each record comes; every sample must be what the record says. */
function copiesIn(facts: readonly SampleFacts[], name: string, weighted: boolean): Map<string, number> {
  const { samples } = loadedOf(name);
  const copies = new Map<string, number>([...samples.keys()].map((id) => [id, 0]));
  for (const [, id, weight, digest] of facts) {
    const expected = samples.get(id);
    expect([id, weight, digest]).toEqual([id, weighted ? expected?.weight : null, expected?.digest]);
    copies.set(id, (copies.get(id) ?? 0) + 1);
  }
  return copies;
}

async function linesOf(plan: BatchPlan): Promise<string[]> {
  const stream = client.stream(sourceOf(plan), { plan: optionsOf(plan), compression: "zstd" });
  const text = Buffer.concat(await Array.fromAsync(stream.batches(), (batch) => batch.ndjson())).toString();
  return text.split("\n").slice(0, -1);
}

describe.runIf(isThere).for(Object.keys(collections))("all of %s", (name) => {
  test("shuffled: each line once an epoch, in another order every time", async () => {
    const inOrder = loadedOf(name).text.split("\n").slice(0, -1);
    const orders = [inOrder];
    for (const plan of [planOf(name), planOf(name, { epoch: 1 }), planOf(name, { epoch: 1, shuffle: 3 })]) {
      const lines = await linesOf(plan);
      expectSame(lines.toSorted(), inOrder.toSorted());
      for (const other of orders) expect(lines.join("\n") === other.join("\n")).toBe(false);
      orders.push(lines);
    }
    for (const epoch of [0, 1]) {
      const copies = copiesIn(await readEverywhere(planOf(name, { epoch })), name, true);
      expect([...copies.values()].every((count) => count === 1)).toBe(true);
    }
  });

  test("sampled by weight: each as often as its part of all weights says", async () => {
    const { samples } = loadedOf(name);
    const facts = await readEverywhere(planOf(name, { epoch: 2, weights: "sampling" }));
    expect(facts).toHaveLength(samples.size);
    const total = [...samples.values()].reduce((sum, { weight }) => sum + weight, 0);
    for (const [id, count] of copiesIn(facts, name, false)) {
      const due = (samples.size * (samples.get(id)?.weight ?? 0)) / total;
      expect(Math.abs(count - due)).toBeLessThan(1);
    }
  });

  test("as files: all lines in the order of the snapshot", async () => {
    const { text } = loadedOf(name);
    await run("export", name, "--out", `${name}-jsonl`, "--compression", "zstd", "--shard-size", "1MB");
    expect(readShards(place(`${name}-jsonl`)).equals(Buffer.from(text))).toBe(true);
    await run("export", name, "--out", `${name}-parquet`, "--format", "parquet", "--shard-size", "1MB");
    const expected = place(`${name}.expected.jsonl`);
    writeFileSync(expected, text);
    const script = `
import json, sys
from pathlib import Path
import pyarrow.parquet
rows = [row for path in sorted(Path(sys.argv[2], "data").iterdir()) for row in pyarrow.parquet.read_table(path).to_pylist()]
print(rows == [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")], len(rows))
`;
    const args = ["-c", script, expected, place(`${name}-parquet`)];
    const { stdout, stderr } = await resultOf(startProgram(python, args, { env: server.environment }));
    expect({ stdout, stderr }).toEqual({ stdout: `True ${loadedOf(name).samples.size}\n`, stderr: "" });
    expect(readFileSync(place(`${name}-parquet/README.md`), "utf8")).toContain(loadedOf(name).snapshot);
  });
});

test.runIf(isThere)("a mixture of both by halves, until each record has come", async () => {
  const names = Object.keys(collections).toSorted((a, b) => loadedOf(a).samples.size - loadedOf(b).samples.size);
  const [short, long] = names.map((name) => loadedOf(name)) as [Loaded, Loaded];
  const count = long.samples.size;
  const sources = [long, short].map(({ snapshot }) => ({ snapshot, proportion: 5 }));
  const changes = { snapshot: null, mixture: { sources, exhaustion: "all", blockBatches: 0 } } as const;
  const facts = await readEverywhere(
    planOf(names[1] ?? "", { ...changes, globalBatchSize: batchSizeFor(2 * count - 1, 2 * count) }),
  );

  const isLong = facts.map(([, id, , digest]) => long.samples.get(id)?.digest === digest);
  let balance = 0;
  for (const each of isLong) {
    balance += each ? 1 : -1;
    expect(Math.abs(balance)).toBeLessThan(2);
  }
  // It ends with the last record that had not come.
  expect(isLong.at(-1)).toBe(true);
  const [ofLong, ofShort] = [facts.filter((_, place) => isLong[place]), facts.filter((_, place) => !isLong[place])];
  expect([...copiesIn(ofLong, names[1] ?? "", true).values()].every((copies) => copies === 1)).toBe(true);
  // The shorter one comes again when it has come once.
  for (let first = 0; first < ofShort.length; first += short.samples.size) {
    const epoch = ofShort.slice(first, first + short.samples.size);
    const copies = [...copiesIn(epoch, names[0] ?? "", true).values()];
    expect(Math.max(...copies)).toBe(1);
    expect(copies.filter((each) => each === 1)).toHaveLength(epoch.length);
  }
});
