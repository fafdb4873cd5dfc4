import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client } from "../../clients/typescript/src/index.ts";
import { makeDocuments } from "../data/documents.ts";
import { resultOf, runCommand } from "../support/command.ts";
import { commandLine } from "../support/command-line.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import { asOf, exporterExamples } from "./exporter-examples.ts";

let server: LoraloopProcess;
let client: Client;
const { start, run, runJson, fail, place, writeJson, writeLines } = commandLine(() => server);

beforeAll(async () => {
  server = await LoraloopProcess.start();
  client = new Client({ address: server.address, token: await server.token() });
  await ingestDocuments("documents", 30);
  writeJson("text.json", { collection: "documents", format: "text", weighting: { auto_weight_by_length: true } });
  await run("dataset", "put", "documents", "text.json");
});

afterAll(async () => {
  client.close();
  expect(server.errors).toBe("");
  await server[Symbol.asyncDispose]();
});

async function ingestDocuments(collection: string, count: number): Promise<void> {
  const records = makeDocuments(count).map((fields) => ({ id: fields.id, fieldsJson: JSON.stringify(fields) }));
  await client.ingest(collection, records);
}

test.for(exporterExamples)("dataset import: $name", async ({ name, configuration, records, lines }) => {
  writeJson(`${name}.json`, configuration);
  await run("ingest", name, writeLines(`${name}.jsonl`, records), "--id-field", "pk");
  await run("dataset", "import", name, `${name}.json`, "--collection", name);
  const output = await run("stream", name, "--as-of", asOf, "--stats-json", `${name}.stats.json`);
  expect(output.split("\n").slice(0, -1)).toEqual(lines);
  expect(JSON.parse(readFileSync(place(`${name}.stats.json`), "utf8"))).toMatchObject({
    total_entities: records.length,
    exported_entities: lines.length,
    failed_entities: records.length - lines.length,
    bytes_written: Buffer.byteLength(output),
  });
});

test("statistics in six keys, and what they were", async () => {
  const records = [
    { pk: "qa_001", question: "Q", answer: "long enough, is it not?" },
    { pk: "qa_123", question: "Q" },
    { pk: "qa_456", question: "Q", answer: "short" },
  ];
  await run("ingest", "answers", writeLines("answers.jsonl", records), "--id-field", "pk");
  const mapping = { instruction_field: "question", output_field: "answer" };
  writeJson("answers.json", { field_mapping: mapping, quality: { min_text_length: 10 } });
  await run("dataset", "import", "answers", "answers.json", "--collection", "answers");
  await run("stream", "answers", "-o", "answers.out", "--stats-json", "answers.stats.json");
  const { statistics, ...six } = JSON.parse(readFileSync(place("answers.stats.json"), "utf8")) as Record<
    string,
    unknown
  >;
  expect(six).toEqual({
    total_entities: 3,
    exported_entities: 1,
    failed_entities: 2,
    bytes_written: statSync(place("answers.out")).size,
    duration_ms: expect.any(Number),
    errors: ["Entity qa_123: Missing required field 'output'", "Entity qa_456: Text too short (5 chars)"],
  });
  expect(statistics).toMatchObject({ scanned_count: 3 });
});

test.for<[string, object, string]>([
  ["continue_on_error", { continue_on_error: false }, "0 are allowed; the last is b"],
  ["max_errors", { max_errors: 1 }, "1 are allowed; the last is c"],
])("errors end a stream where %s says so", async ([name, options, said]) => {
  const dataset = name.replaceAll("_", "-");
  const records = [{ pk: "a", answer: "A" }, { pk: "b" }, { pk: "c" }, { pk: "d", answer: "D" }];
  await run("ingest", dataset, writeLines(`${name}.jsonl`, records), "--id-field", "pk");
  writeJson(`${name}.json`, { style: "TEXT_COMPLETION", field_mapping: { text_field: "answer" }, ...options });
  await run("dataset", "import", dataset, `${name}.json`, "--collection", dataset);
  const { code, stderr } = await fail("stream", dataset, "-o", `${name}.out`);
  expect({ code, stderr }).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/Missing required field 'text'.*\[TOO_MANY_ERRORS\]/),
  });
  expect(stderr).toContain(said);
});

test("a dataset that yields nothing says which filter removed everything", async () => {
  const conditions = [{ field: "theme", values: ["nothing has this theme"] }];
  writeJson("nothing.json", { collection: "documents", format: "text", selection: { conditions } });
  const { code, stdout, stderr } = await fail("stream", "--spec", "nothing.json");
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  expect(stderr).toContain('theme = "nothing has this theme"');
});

test.for(["records.jsonl.gz", "records.jsonl.zst", "records.jsonl"])("ingest reads %s", async (file) => {
  const text = '\ufeff{"id":"a","text":"\u2028 🦊"}\r\n\n{"id":"b","text":"two"}';
  const compress = file.endsWith(".gz") ? gzipSync : file.endsWith(".zst") ? zstdCompressSync : Buffer.from;
  writeFileSync(place(file), compress(text));
  const collection = `read-${file.split(".").at(-1)}`;
  expect(await runJson("ingest", collection, file)).toMatchObject({ records: 2, kept: 2, problem_count: 0 });
  const { record } = await client.corpus.getRecord({ collection, id: "a" });
  expect(record?.fieldsJson).toBe('{"id":"a","text":"\u2028 🦊"}');
  expect(record?.source).toBe(file);
});

test("ingest again: what was deleted is there again, nothing is there twice", async () => {
  const file = writeLines("again.jsonl", [
    { id: "a", text: "one" },
    { id: "b", text: "two" },
  ]);
  await run("ingest", "again", file);
  await client.corpus.deleteRecords({ collection: "again", ids: ["a"] });
  expect(await runJson("ingest", "again", file)).toMatchObject({ records: 2, kept: 2 });
  const { records } = await client.corpus.listRecords({ collection: "again" });
  expect(records.map(({ id }) => id)).toEqual(["a", "b"]);
});

test("ingest again without ids writes nothing twice, and says so", async () => {
  const file = writeLines("nameless.jsonl", [{ text: "one" }, { text: "two" }]);
  await run("ingest", "nameless", file);
  expect((await fail("ingest", "nameless", file)).stderr).toContain("was ingested before");
  const { records } = await client.corpus.listRecords({ collection: "nameless" });
  expect(records).toHaveLength(2);
});

test("Ctrl-C during an ingest; run again, it goes on", async () => {
  const count = 60_000;
  const file = writeLines(
    "long.jsonl",
    Array.from({ length: count }, (_, number) => ({ id: `n${number}`, number })),
  );
  const child = start("ingest", "long", file);
  const ended = resultOf(child);
  while ((await storedIn("long")) === 0) await delay(10);
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 130, stdout: "", stderr: "loraloop: interrupted\n" });
  const { code, stdout, stderr } = await fail("ingest", "long", file);
  const [, resumed = ""] =
    /^60,000 records are in "long", ([\d,]+) of them by an earlier run; 0 bad/.exec(stdout) ?? [];
  expect(Number(resumed.replace(",", ""))).toBeGreaterThan(0);
  expect(Number(resumed.replace(",", ""))).toBeLessThan(count);
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: `Bad records among the first ${resumed} were told by the earlier run, and are not told again.\n`,
  });
});

async function storedIn(collection: string): Promise<number> {
  const page = await client.corpus.listRecords({ collection, pageSize: 1 }).catch(() => ({ records: [] }));
  return page.records.length;
}

test("stream --output --resume after kill -9, again and again", async () => {
  await ingestDocuments("many", 20_000);
  writeJson("many.json", { collection: "many", format: "text" });
  await run("stream", "--spec", "many.json", "-o", "whole.jsonl");
  const whole = readFileSync(place("whole.jsonl"));
  const args = ["stream", "--spec", "many.json", "-o", "part.jsonl", "--batch-size", "20", "--resume"];
  for (const kill of [1, 2, 3]) {
    const child = start(...args);
    const ended = once(child, "exit");
    while (!existsSync(place("part.jsonl")) || statSync(place("part.jsonl")).size < kill * 2_000_000) await delay(2);
    child.kill("SIGKILL");
    expect((await ended)[1]).toBe("SIGKILL");
  }
  await run(...args);
  expect(readFileSync(place("part.jsonl")).equals(whole)).toBe(true);
  expect(existsSync(place("part.jsonl.state.json"))).toBe(false);
  const { code, stderr } = await fail(...args);
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("it is complete") });
});

test("a reader that has seen enough ends the stream", async () => {
  const child = start("stream", "documents", "--batch-size", "1");
  const ended = resultOf(child);
  child.stdout.once("data", () => child.stdout.destroy());
  expect(await ended).toMatchObject({ code: 0, stderr: "" });
});

test("snapshot: build, list, show, stream, delete", async () => {
  const built = await runJson<{ key: string; digest: string }>("snapshot", "build", "documents");
  expect(built).toMatchObject({ dataset: "documents", state: "SEALED", statistics: { sample_count: 30 } });
  const short = built.key.slice(0, 8);
  expect(await runJson("snapshot", "list", "--dataset", "documents")).toMatchObject([{ key: built.key }]);
  expect(await run("snapshot", "list")).toMatch(/^KEY +DATASET +STATE +SAMPLES/);
  expect(await runJson("snapshot", "show", short)).toMatchObject({ digest: built.digest });
  expect(await run("snapshot", "show", short)).toContain(`digest    ${built.digest}`);
  expect(await run("stream", short)).toBe(await run("stream", "documents"));
  await run("snapshot", "delete", short);
  const { code, stderr } = await fail("snapshot", "show", short);
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("[SNAPSHOT_NOT_FOUND]") });
});

test("dataset: put, get, list, delete", async () => {
  writeJson("recipe.json", { collection: "documents", format: "text" });
  expect(await runJson("dataset", "put", "recipe", "recipe.json")).toMatchObject({ name: "recipe", version: 1 });
  writeJson("recipe.json", { collection: "documents", format: "text", quality: { skip_duplicates: true } });
  expect(await run("dataset", "put", "recipe", "recipe.json")).toContain("recipe@2");
  expect(await runJson("dataset", "get", "recipe@1")).toMatchObject({ version: 1 });
  expect(JSON.parse(await run("dataset", "get", "recipe"))).toMatchObject({ version: 2 });
  expect(await run("dataset", "list")).toMatch(/^NAME +VERSION +COLLECTION +FORMAT +CHANGED/);
  expect(await run("dataset", "delete", "recipe")).toBe("Dataset recipe is deleted.\n");
  expect((await fail("dataset", "get", "recipe")).stderr).toContain("[DATASET_NOT_FOUND]");
});

test("preview shows why a weight is what it is", async () => {
  expect(await runJson("preview", "documents", "-n", "2")).toMatchObject({
    samples: [{ record_id: "doc-0000000", weight_explanation: { explicit: 1, defaulted: true } }, {}],
  });
  expect(await run("preview", "documents", "-n", "1")).toMatch(
    /doc-0000000 {2}weight 1\.\d+ = 1 \(default\) × 1\.\d{4} \(length \d+\)/,
  );
});

test("what dataset get prints can be put again", async () => {
  const { spec } = await runJson<{ spec: object }>("dataset", "get", "documents");
  writeJson("again.json", spec);
  expect(await runJson("dataset", "put", "documents", "again.json")).toMatchObject({ version: 1, spec });
});

test("validate", async () => {
  writeJson("schema.json", { type: "object", required: ["field1"] });
  writeLines("samples.jsonl", [{ field1: 1 }, { field2: 2 }]);
  const { code, stdout } = await fail("validate", "samples.jsonl", "--schema", "schema.json");
  expect(code).toBe(1);
  expect(stdout).toBe("samples.jsonl:2: Missing required field: field1\n2 samples checked, 1 invalid.\n");
  const options = { env: server.environment, cwd: server.folder, input: '{"field1":1}\n' };
  expect(await runCommand(["validate", "-", "--schema", "schema.json"], options)).toMatchObject({ code: 0 });
});

test("token: create, use, list, revoke", async () => {
  const { id, secret } = await runJson<{ id: string; secret: string }>("token", "create", "--scope", "export.read");
  const env = { ...server.environment, LORALOOP_TOKEN: secret, LORALOOP_ADDRESS: server.address };
  const reader = (...args: string[]) => runCommand(args, { env, cwd: server.folder });
  expect(await reader("stream", "documents")).toMatchObject({ code: 0, stderr: "" });
  const refused = await reader("ingest", "documents", writeLines("refused.jsonl", [{ id: "x" }]));
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/corpus\.write.*\[SCOPE_MISSING\]/) });
  expect(await run("token", "list")).toContain(id);
  expect(await run("token", "list")).not.toContain(secret);
  await run("token", "revoke", id);
  expect((await reader("stream", "documents")).stderr).toContain("[TOKEN_INVALID]");
});

test("doctor", async () => {
  const { code, stdout } = await fail("--json", "doctor", "--data", server.dataDirectory);
  const findings = JSON.parse(stdout) as { check: string; ok: boolean; found: string }[];
  expect(findings.map(({ check }) => check)).toEqual(["Node", "platform", "disk", "fsync", "port", "server"]);
  expect(code).toBe(findings.every(({ ok }) => ok) ? 0 : 1);
  expect(findings.at(-1)?.found).toContain("answers at");
});

test("a server that is stopped is no longer found", async () => {
  await using other = await LoraloopProcess.start();
  expect(await other.stop()).toBe(0);
  const result = await runCommand(["dataset", "list"], { env: other.environment });
  expect(result).toMatchObject({ code: 3, stderr: expect.stringContaining("No token") });
});

test("a second server on the same data is refused in one line", async () => {
  const { code, stderr } = await fail("up", "--data", server.dataDirectory, "--port", "0", "--metrics-port", "0");
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/^loraloop[^\n]*stop it first[^\n]*\n$/);
});

test.for<[string[], number, string]>([
  [["stream"], 2, "Name a dataset or a snapshot"],
  [["stream", "documents", "--resume"], 2, "--resume needs --output"],
  [["stream", "documents", "--batch-size", "x"], 2, "--batch-size is not a number: x"],
  [["stream", "documents", "--as-of", "now"], 2, "--as-of is not a time: now"],
  [["stream", "nothing"], 1, '"nothing"'],
  [["ingest", "c"], 2, "missing required argument"],
  [["ingest", "c", "missing.jsonl"], 2, "missing.jsonl"],
  [["ingest", "c", "."], 2, "is a folder; name its files"],
  [["ingest", "Bad Name", "text.json"], 1, '"Bad Name"'],
  [["ingst"], 2, "unknown command 'ingst'"],
  [["dataset", "put", "x", "missing.json"], 2, "missing.json"],
  [["--address", "127.0.0.1:1", "dataset", "list"], 3, "No token for 127.0.0.1:1"],
  [["validate", "text.json"], 2, "Give either --schema FILE or --dataset NAME."],
  [["token", "create", "--scope", "everything"], 1, "everything"],
  [["up", "--port", "70000"], 2, "--port is not a port: 70000"],
])("%j ends with %i: %s", async ([args, code, problem]) => {
  const result = await fail(...args);
  expect(result).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(problem) });
  expect(result.stderr).not.toMatch(/\n {4}at /);
});

test("a server that is not there is told within seconds", async () => {
  const env = { ...server.environment, LORALOOP_TOKEN: "any" };
  const result = await runCommand(["--address", "127.0.0.1:1", "stream", "documents"], { env });
  expect(result).toMatchObject({ code: 3, stderr: expect.stringContaining("127.0.0.1:1 cannot be reached") });
});
