import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client } from "../../clients/typescript/src/index.ts";
import { resultOf } from "../support/command.ts";
import { commandLine } from "../support/command-line.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";

let server: LoraloopProcess;
let client: Client;
const { start, run, runJson, fail, writeJson } = commandLine(() => server);

const environment = {
  baseModel: "tiny@abc",
  seed: 7n,
  worldSize: 2,
  packageVersions: { torch: "2.9.1", PyYAML: "6" },
  configurationJson: "{}",
};

beforeAll(async () => {
  server = await LoraloopProcess.start();
  client = new Client({ address: server.address, token: await server.token() });
  const records = Array.from({ length: 40 }, (_, number) => ({
    id: `r${String(number).padStart(2, "0")}`,
    fieldsJson: JSON.stringify({ text: `text ${number}` }),
  }));
  await client.ingest("docs", records);
  writeJson("docs.json", { collection: "docs", format: "text" });
  await run("dataset", "put", "docs", "docs.json");
});

afterAll(async () => {
  client.close();
  expect(server.errors).toBe("");
  await server[Symbol.asyncDispose]();
});

test("run list and show say what a training reads, where it is and how it went", async () => {
  await using opened = await client.runs.open("docs", {
    run: "tone.1",
    shuffle: true,
    globalBatchSize: 4,
    environment,
  });
  await opened.reportLosses(0, [0, 1], [1.5, 0.5]);
  await opened.reportProgress({ consumed: { epoch: 0, nextIndex: 20, step: 5 }, metrics: { loss: 1.25, evalLoss: 2 } });
  await opened.closeEpoch(0);

  const list = await run("run", "list");
  expect(list).toMatch(/^RUN +STATE +READS/);
  expect(list).toMatch(/tone\.1 +open +docs@1 +epoch 0 {2}20 \/ 40 \(50\.0 %\) +5 +1\.250/);
  const shown = await run("run", "show", "tone.1");
  for (const line of [
    "state     open, lease until ",
    "reads     docs@1, 40 samples of snapshot ",
    "order     shuffled, windows of 1,024 pages, seed 0, global batches of 4",
    "consumed  epoch 0  20 / 40 (50.0 %), step 5",
    "metrics   loss 1.25, evalLoss 2",
    "base      tiny@abc, seed 7, 2 ranks",
    "packages  node ",
    ", torch 2.9.1, PyYAML 6",
  ]) {
    expect(shown).toContain(line);
  }
  expect(shown).toMatch(/0 +40 +2 +1\.000 +yes +[0-9a-f]{12}\n +1 +40 +0 +- +no/);
  expect(await runJson("run", "show", "tone.1")).toMatchObject({
    id: "tone.1",
    state: "OPEN",
    plan: { weight_use: "LOSS", global_batch_size: 4 },
    metrics: { loss: 1.25, evalLoss: 2 },
    environment: { package_versions: { PyYAML: "6" } },
    epochs: [
      { epoch: 0, closed: true, loss_count: 2, mean_loss: 1 },
      { epoch: 1, closed: false },
    ],
  });
  await opened.close({ adapterVersion: "tone:1" });
  expect(await run("run", "show", "tone.1")).toMatch(/state {5}succeeded\n[\s\S]*ended {5}.*adapter tone:1/);
  expect(await runJson("run", "list")).toMatchObject([
    { id: "tone.1", state: "SUCCEEDED", epochs: [{ epoch: 0, sample_count: 40 }] },
  ]);
});

test("run close ends a run whoever holds it", async () => {
  const [one, two] = [
    await client.runs.open("docs", { run: "lost.1" }),
    await client.runs.open("docs", { run: "lost.2" }),
  ];
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
  expect(await run("run", "close", "lost.1")).toBe("Run lost.1 is closed: succeeded.\n");
  const closed = await runJson("run", "close", "lost.2", "--failed", "--message", "the machine is gone");
  expect(closed).toMatchObject({ id: "lost.2", state: "FAILED", result: { message: "the machine is gone" } });
  expect(await fail("run", "close", "lost.2")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("[RUN_CONFLICT]"),
  });
  expect(await fail("run", "close", "nothing")).toMatchObject({ stderr: expect.stringContaining("[RUN_NOT_FOUND]") });
});

test("run watch prints a line for each change until the run ends", async () => {
  await using opened = await client.runs.open("docs", { run: "watched" });
  const child = start("run", "watch", "watched");
  const result = resultOf(child);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toMatch(/open {2}no checkpoint yet {2}- samples\/s {2}step - {2}loss -$/);
  await opened.reportProgress({ consumed: { epoch: 0, nextIndex: 10, step: 1 }, metrics: { loss: 2 } });
  expect((await lines.next()).value).toMatch(
    /open {2}epoch 0 {2}10 \/ 40 \(25\.0 %\) {2}- samples\/s {2}step 1 {2}loss 2\.000$/,
  );
  await opened.reportProgress({ consumed: { epoch: 0, nextIndex: 40, step: 4 }, metrics: { loss: 1 } });
  expect((await lines.next()).value).toMatch(/40 \/ 40 \(100\.0 %\) {2}[\d,]+ samples\/s {2}step 4 {2}loss 1\.000$/);
  await opened.close({ succeeded: false, message: "out of memory" });
  expect((await lines.next()).value).toMatch(/failed {2}epoch 0/);
  expect(await result).toMatchObject({ code: 0, stderr: "" });
});

test("run watch --json prints the run for each change, and Ctrl-C ends it alone", async () => {
  await using opened = await client.runs.open("docs", { run: "watched.json" });
  const child = start("--json", "run", "watch", opened.id);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect(JSON.parse((await lines.next()).value ?? "")).toMatchObject({ id: "watched.json", state: "OPEN" });
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([130, null]);
  expect((await client.runs.get("watched.json")).state).toBe(1);
  const missing = await fail("run", "watch", "nothing");
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining("[RUN_NOT_FOUND]") });
});

test("plan show and explain say what comes when, as a stream gives it", async () => {
  const order = ["docs", "--shuffle", "--seed", "7", "--global-batch-size", "16", "--drop-last"];
  const streamed = (await run("stream", ...order)).trim().split("\n");
  expect(streamed).toHaveLength(32);
  const shown = await runJson<{ plan: { hash: string }; max_steps: number }>("plan", "show", ...order, "--epochs", "3");
  expect(shown).toMatchObject({ max_steps: 6, plan: { sample_count: 32, global_batch_count: 2 } });
  expect(await run("plan", "show", ...order)).toMatch(
    /samples {2}32 in 2 global batches, epoch 0\nsteps {4}2 for 1 epoch\n/,
  );

  const { entries } = await runJson<{ entries: { record_id: string; rank: number }[] }>(
    ...["plan", "explain", ...order, "--count", "32", "--world-size", "2"],
  );
  const texts = entries.map(({ record_id: id }) => JSON.stringify({ text: `text ${Number(id.slice(1))}` }));
  expect(texts).toEqual(streamed);
  expect(entries.map(({ rank }) => rank)).toEqual([0, 1, 0, 1].flatMap((rank) => Array(8).fill(rank)));
  const one = await run("plan", "explain", "--hash", shown.plan.hash, "--index", "17", "--count", "1");
  expect(one).toMatch(new RegExp(`^Index 17 is record ${entries[17]?.record_id}:\n {2}global batch 1 of 2`));
  expect(await run("plan", "explain", "--hash", shown.plan.hash)).toMatch(/^INDEX +RECORD +BATCH/);
  const beyond = await fail("plan", "explain", "--hash", shown.plan.hash, "--index", "32");
  expect(beyond).toMatchObject({ code: 2, stderr: "loraloop: --index is 32; the plan has 32 samples.\n" });
});

test("plans of runs and of mixtures are shown, and wrong options named", async () => {
  await using opened = await client.runs.open("docs", { run: "planned", seed: 3, shuffle: true });
  const { epochs } = await client.runs.get(opened.id);
  expect(await runJson("plan", "show", "--run", "planned")).toMatchObject({ plan: { hash: epochs[0]?.plan } });
  writeJson("other.json", { collection: "docs", format: "text", quality: { min_text_length: 7 } });
  await run("dataset", "put", "other", "other.json");
  const mixture = await runJson("plan", "show", "--mix", "docs=3", "--mix", "other", "--exhaustion", "all");
  expect(mixture).toMatchObject({ plan: { sources: [{ slots: 768 }, { slots: 256 }] } });
  const inTurn = await run("plan", "show", "--mix", "docs", "--mix", "other", "--block-batches", "2");
  expect(inTurn).toMatch(/ in turn /);
  for (const [args, message] of [
    [["docs", "--weights", "both"], "--weights is both; expected loss or sampling."],
    [["docs", "--run", "planned"], "Name a dataset or a snapshot, or use --mix, or --run: one of them."],
    [["docs", "--seed", "-1"], "--seed is not a number below 2^64: -1"],
    [["docs", "--hash", "00"], "--hash says all; name nothing else."],
  ] as const) {
    expect(await fail("plan", "show", ...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  }
});
