import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client } from "../../clients/typescript/src/index.ts";
import { makeDocuments } from "../data/documents.ts";
import { resultOf, runCommand } from "../support/command.ts";
import { commandLine } from "../support/command-line.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";

let server: LoraloopProcess;
const { start, run, runJson, fail, place, writeJson, writeLines } = commandLine(() => server);

beforeAll(async () => {
  server = await LoraloopProcess.start();
  await run("ingest", "documents", writeLines("documents.jsonl", makeDocuments(50)));
  writeJson("dataset.json", { collection: "documents", format: "text" });
  await run("dataset", "put", "documents", "dataset.json");
});

afterAll(async () => {
  expect(server.errors).toBe("");
  await server[Symbol.asyncDispose]();
});

test("a kept snapshot that is built again with --ttl says that it stays kept", async () => {
  const { key } = await runJson<{ key: string }>("snapshot", "build", "documents");
  const again = await fail("snapshot", "build", "documents", "--ttl", "60");
  expect(again).toMatchObject({ code: 0, stderr: expect.stringMatching(`^Snapshot ${key.slice(0, 12)} stays kept`) });
  const other = await fail("snapshot", "build", "--spec", "dataset.json", "--as-of", "2026-01-01", "--ttl", "60");
  expect(other).toMatchObject({ code: 0, stderr: "" });
});

test("what an interrupted run left is not overwritten", async () => {
  const whole = Buffer.from(await run("stream", "documents"));
  const left = Buffer.from(await breakOff("part.jsonl"));
  expect(await fail("stream", "documents", "-o", "part.jsonl")).toMatchObject({
    code: 2,
    stderr:
      "loraloop: part.jsonl is of an interrupted run: --resume goes on with it. To begin again, remove part.jsonl.state.json first.\n",
  });
  expect(readFileSync(place("part.jsonl"))).toEqual(left);
  await run("stream", "documents", "-o", "part.jsonl", "--resume");
  expect(readFileSync(place("part.jsonl"))).toEqual(whole);
  writeFileSync(place("part.jsonl"), left);
  // What is complete is written again.
  await run("stream", "documents", "-o", "part.jsonl");
  expect(readFileSync(place("part.jsonl"))).toEqual(whole);
});

/** The first samples in a file, and beside it what the command keeps of a stream that was broken off. */
async function breakOff(file: string): Promise<Uint8Array> {
  await using client = new Client({ address: server.address, token: await server.token() });
  const stream = client.stream("documents", { batchSize: 10 });
  for await (const batch of stream.batches()) {
    const lines = Uint8Array.from(batch.ndjson());
    writeFileSync(place(file), lines);
    writeJson(`${file}.state.json`, { bytes: lines.length, state: stream.stateDict() });
    return lines;
  }
  throw new Error("There is no sample.");
}

test.for<[string[], object]>([
  [
    ["stream", "nothing"],
    { code: "NOT_FOUND", reason: "DATASET_NOT_FOUND", metadata: { dataset: "nothing" }, exit_code: 1 },
  ],
  [["stream"], { message: "Name a dataset or a snapshot, or give --spec FILE.", exit_code: 2 }],
  [["ingst"], { message: "unknown command 'ingst'\n(Did you mean ingest?)", exit_code: 2 }],
  [["ingest", "c"], { message: "missing required argument 'file'", exit_code: 2 }],
  [["dataset"], { message: "A command is missing; --help lists them.", exit_code: 2 }],
  [["ingest", "c", "missing.jsonl"], { message: "There is no missing.jsonl.", exit_code: 2 }],
  [["up", "--port", "x"], { message: "--port is not a port: x", exit_code: 2 }],
  [
    ["serve", "export", "--config", "missing.json"],
    { message: expect.stringContaining("There is no missing.json."), exit_code: 1 },
  ],
])("under --json an error is JSON: %j", async ([args, error]) => {
  const { code, stdout, stderr } = await fail("--json", ...args);
  expect({ stdout, error: JSON.parse(stderr) as unknown }).toMatchObject({ stdout: "", error: { error } });
  expect(error).toMatchObject({ exit_code: code });
});

test.for<[string[], string]>([
  [["ingest", "c", "missing.jsonl"], "There is no missing.jsonl."],
  [["dataset", "put", "x", "none/missing.json"], "There is no folder none."],
  [["dataset", "put", "x", "."], ". is a folder; name a file."],
  [["preview", "--spec", "missing.json"], "There is no missing.json."],
  [["validate", "missing.jsonl", "--schema", "dataset.json"], "There is no missing.jsonl."],
  [["stream", "documents", "-o", "none/out.jsonl"], "There is no folder none."],
  [["--tls-ca", "missing.pem", "dataset", "list"], "There is no missing.pem."],
  [["preview", "documents", "-n", "0"], "--count is not a number from 1 to 1,000: 0"],
  [["plan", "show", "--mix", "documents=0", "--mix", "documents"], "--mix is 0; expected at least 1."],
  [["plan", "show", "documents", "--epochs", "0"], "--epochs is 0; expected at least 1."],
  [["plan", "show", "documents", "--shuffle", "0"], "--shuffle is 0; expected at least 1."],
  [
    ["plan", "show", "--mix", "documents=2", "--block-batches", "1"],
    "--mix documents=2: with --block-batches sources have no share; leave =2 out.",
  ],
])("%j: %s", async ([args, problem]) => {
  expect(await fail(...args)).toEqual({ code: 2, signal: null, stdout: "", stderr: `loraloop: ${problem}\n` });
});

test.for<[string[], string]>([
  [["documents", "--block-batches", "3"], "--block-batches: only of a mixture; name its sources with --mix."],
  [["documents", "--exhaustion", "all"], "--exhaustion: only of a mixture; name its sources with --mix."],
  [
    ["--run", "any", "--epoch", "1", "--seed", "3", "--shuffle", "--as-of", "2026-01-01"],
    "--as-of, --seed, --shuffle: a run has its own; with --run only --epoch is said.",
  ],
  [["--hash", "00", "--epoch", "1"], "--epoch: the plan's hash says it; leave it out."],
])("options that would change nothing are refused: %j", async ([args, problem]) => {
  const refused = { code: 2, stdout: "", stderr: `loraloop: ${problem}\n` };
  expect(await fail("plan", "show", ...args)).toMatchObject(refused);
  if (args[0] !== "--hash") expect(await fail("stream", ...args)).toMatchObject(refused);
});

test("up says which process to stop", async () => {
  const ports = ["--port", "0", "--metrics-port", "0"];
  const child = start("--json", "up", "--data", place("other"), ...ports);
  const ended = resultOf(child);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  process.kill((JSON.parse(line.toString()) as { pid: number }).pid, "SIGTERM");
  expect(await ended).toMatchObject({ code: 0, stderr: "" });
});

test("doctor says of a server that it does not reach that this is bad, or that there is none", async () => {
  const findings = async (env: NodeJS.ProcessEnv, ...args: string[]) => {
    const { code, stdout } = await runCommand([...args, "--json", "doctor", "--data", server.folder], { env });
    const found = JSON.parse(stdout) as { check: string; ok: boolean | null }[];
    return { code, ok: Object.fromEntries(found.map(({ check, ok }) => [check, ok])) };
  };
  const env = { ...server.environment, LORALOOP_TOKEN: "any" };
  const gone = await findings(env, "--address", "127.0.0.1:1");
  expect(gone).toMatchObject({ code: 1, ok: { port: false, server: false } });
  const nowhere = await findings({ ...env, XDG_STATE_HOME: place("no-state") });
  expect(nowhere.ok).toMatchObject({ server: expect.not.toBeOneOf([true, false]) });
});
