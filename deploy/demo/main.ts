/** `npm run demo`: records in, samples out, a LoRA training that survives kill -9 of its server and of itself, its adapter in the registry. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import colors from "picocolors";
import { count, print } from "../../clients/cli/output.ts";
import { statisticsLines } from "../../clients/cli/statistics.ts";
import { Client, type DatasetSpec, type Snapshot, weightText } from "../../clients/typescript/src/index.ts";
import { showAdapters } from "./adapters.ts";
import { type Input, readInput } from "./input.ts";
import { guessMapping, toSpec } from "./mapping.ts";
import { checkDelivery, curve, differingLosses, heading, samples, verdict } from "./report.ts";
import { Server } from "./server.ts";
import { disturb, Training, type TrainingResult } from "./training.ts";

const steps = 300;
const batchSize = 8;
const adapter = "demo-answers";

/** `--data one.jsonl two.jsonl`: what follows the first file comes as positionals. */
const { values, positionals } = parseArgs({
  options: {
    data: { type: "string", multiple: true },
    map: { type: "string", multiple: true },
    keep: { type: "boolean" },
  },
  allowPositionals: true,
});

const began = performance.now();
const folder = await mkdtemp(join(tmpdir(), "loraloop-demo-"));
const server = new Server(join(folder, "data"));
try {
  process.exitCode = (await run()) ? 0 : 1;
} catch (error) {
  print(`\nThe demo stopped: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await server.stop();
  if (values.keep) print(`Everything is left in ${folder}.`);
  else await rm(folder, { recursive: true, force: true });
}

async function run(): Promise<boolean> {
  const input = await readInput([...(values.data ?? []), ...positionals]);
  const spec = describeInput(input);
  await server.start();
  heading("1  Records in");
  await ingest(input);
  heading("2  What training will see");
  await preview(spec);
  heading("3  A snapshot, streamed into TypeScript");
  const snapshot = await build(spec);
  const heldOut = await build({ ...spec, collection: "held-out" });
  checkEnough(snapshot, heldOut);
  const ids = await consume(snapshot);
  heading("4  A LoRA training on the stream, undisturbed");
  const calm = await train("calm", snapshot, heldOut, false);
  heading("5  The same training, server and trainer killed at random");
  const disturbed = await train("disturbed", snapshot, heldOut, true);
  heading("6  The adapters, registered");
  const isSame = await showAdapters(server.connection, [calm.version, disturbed.version], `${adapter}@production`);
  heading("What happened");
  return conclude(ids, calm, disturbed, isSame);
}

function describeInput(input: Input): DatasetSpec {
  const guess = guessMapping(input.keys, Object.fromEntries((values.map ?? []).map(readPair)));
  const pairs = Object.entries(guess.mapping).map(([part, key]) => `${part} ← ${key}`);
  print(
    `${count(input.training.length + input.heldOut.length)} records. Format ${colors.bold(guess.format)}: ${pairs.join(", ")}.`,
  );
  return toSpec("documents", guess, input.keys);
}

function readPair(pair: string): [string, string] {
  const [, part, key] = /^([^=]+)=(.+)$/.exec(pair) ?? [];
  if (part === undefined || key === undefined) throw new Error(`--map ${pair}: write it like output=answer.`);
  return [part, key];
}

async function ingest(input: Input): Promise<void> {
  await using client = new Client(server.connection);
  for (const problem of input.problems.slice(0, 2)) print(colors.dim(`  refused ${problem.slice(0, 100)}`));
  if (input.problems.length > 2)
    print(colors.dim(`  … and ${input.problems.length - 2} more lines that are no JSON objects`));
  const start = performance.now();
  const { keptCount } = await client.ingest("documents", input.training);
  await client.ingest("held-out", input.heldOut);
  print(
    `  ${count(keptCount)} records are on disk (fsync) after ${((performance.now() - start) / 1000).toFixed(2)} s; ${input.heldOut.length} more are held out.`,
  );
}

async function preview(spec: DatasetSpec): Promise<void> {
  await using client = new Client(server.connection);
  const answer = await client.export.previewSamples({
    source: { source: { $case: "spec", value: spec } },
    sampleCount: 2,
  });
  for (const sample of answer.samples) print(`  ${sample.line.slice(0, 160)}${sample.line.length > 160 ? "…" : ""}`);
  const why = answer.samples[0]?.weightExplanation;
  if (why !== undefined) {
    const { explicit, lengthFactor, freshnessFactor } = why;
    print(
      colors.dim(
        `  weight ${weightText(answer.samples[0]?.weightMicros ?? 0)} = ${explicit} × ${lengthFactor.toFixed(3)} (length) × ${freshnessFactor.toFixed(3)} (freshness)`,
      ),
    );
  }
}

async function build(spec: DatasetSpec): Promise<Snapshot> {
  await using client = new Client(server.connection);
  return await client.buildSnapshot({ source: { $case: "spec", value: spec } });
}

function checkEnough(snapshot: Snapshot, heldOut: Snapshot): void {
  const [training, test] = [snapshot, heldOut].map(({ statistics }) => Number(statistics?.sampleCount ?? 0n));
  if (training !== undefined && training >= batchSize && test !== undefined && test > 0) return;
  throw new Error(
    `${samples(training ?? 0)} to train on and ${test} held out are too few: it takes some 160 good records.`,
  );
}

/** Streams the snapshot once and returns its ids in order. */
async function consume(snapshot: Snapshot): Promise<string[]> {
  await using client = new Client(server.connection);
  const ids: string[] = [];
  const start = performance.now();
  for await (const batch of client.stream({ snapshot: snapshot.key }).batches()) ids.push(...batch.ids);
  if (snapshot.statistics !== undefined) for (const line of statisticsLines(snapshot.statistics)) print(`  ${line}`);
  print(
    `  ${samples(ids.length)} streamed in ${(performance.now() - start).toFixed(0)} ms; snapshot digest ${Buffer.from(snapshot.digest).toString("hex").slice(0, 16)}…`,
  );
  return ids;
}

async function train(name: string, snapshot: Snapshot, heldOut: Snapshot, kills: boolean): Promise<TrainingResult> {
  const start = performance.now();
  const training = new Training({
    server,
    snapshot: snapshot.key,
    heldOutSnapshot: heldOut.key,
    steps,
    folder: join(folder, name),
    adapter,
    alias: kills ? "production" : "",
    onStep: ({ step, loss }) => {
      if (step % 50 === 0) print(`  step ${String(step).padStart(3)}  loss ${loss.toFixed(3)}`);
    },
  });
  const running = training.run();
  if (kills) await disturbWhileRecordsChange(training);
  const result = await running;
  print(
    `  ${steps} steps in ${((performance.now() - start) / 1000).toFixed(0)} s${kills ? `; ${result.repeatedSteps} steps were lost with a kill and trained again from the last checkpoint` : ""}.`,
  );
  return result;
}

/** Meanwhile the documents go on changing: the snapshot must not. */
async function disturbWhileRecordsChange(training: Training): Promise<void> {
  let version = 0;
  await disturb(
    training,
    server,
    steps,
    ({ who, step }) => {
      print(colors.yellow(`  ⚡ kill -9 ${who} at step ${step}`));
    },
    async () => {
      version += 1;
      await using client = new Client(server.connection);
      const changed = JSON.stringify({ note: "changed during the training", version });
      await client.corpus.upsertRecords({
        collection: "documents",
        records: [{ id: "demo-00001", fieldsJson: changed }],
      });
      await client.corpus.deleteRecords({ collection: "documents", ids: [`demo-0000${version + 1}`] });
    },
  );
}

function conclude(
  ids: readonly string[],
  calm: TrainingResult,
  disturbed: TrainingResult,
  isSameAdapter: boolean,
): boolean {
  const { lost, repeated, inOrder } = checkDelivery(disturbed.steps, ids, batchSize);
  const differing = differingLosses(calm, disturbed);
  const [first, last] = [disturbed.heldOut.get(0) ?? Number.NaN, disturbed.heldOut.get(steps) ?? Number.NaN];
  print(`  loss      ${curve(disturbed.steps.map(({ loss }) => loss))}`);
  verdict(
    lost === 0 && repeated === 0 && inOrder,
    `${samples(lost)} lost, ${repeated} repeated, order ${inOrder ? "kept" : "broken"}, in ${samples(disturbed.steps.length * batchSize)} of surviving steps`,
  );
  verdict(
    differing === 0,
    differing === 0
      ? `all ${steps} losses equal the undisturbed run's, to the last bit`
      : `${differing} losses differ from the undisturbed run's`,
  );
  verdict(
    isSameAdapter,
    isSameAdapter ? "both adapters passed the registry's checks, with the same weights" : "the adapters differ",
  );
  verdict(last < first, `held-out loss ${first.toFixed(3)} → ${last.toFixed(3)}`);
  print(`\n${((performance.now() - began) / 1000).toFixed(0)} s in all. Where to look next:`);
  print(
    "  npm run demo -- --data YOUR.jsonl        the same on your own records (--map output=answer where the guess is wrong)",
  );
  print("  npx loraloop up                          a server to keep; then ingest, preview, snapshot build, stream");
  print("  npx loraloop adapter --help              what is registered, where it came from, and what may serve");
  print(
    "  deploy/demo/trainer.py                   the training loop: checkpoint = adapter + optimizer + stream state",
  );
  return lost === 0 && repeated === 0 && inOrder && differing === 0 && isSameAdapter && last < first;
}
