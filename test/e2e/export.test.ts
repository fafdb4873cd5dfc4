import { once } from "node:events";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stateFile } from "../../clients/cli/export/export-state.ts";
import { Client } from "../../clients/typescript/src/index.ts";
import { makeDocuments } from "../data/documents.ts";
import { type Fields, realFiles } from "../data/real-data.ts";
import {
  type CommandResult,
  commandFile,
  python,
  resultOf,
  runCommand,
  startCommand,
  startProgram,
} from "../support/command.ts";
import { digestsBelow, readExportIndex, readShards } from "../support/exported-folder.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";

let server: LoraloopProcess;
let client: Client;
/** Some MB of samples with weights. */
let lines: Buffer;

beforeAll(async () => {
  server = await LoraloopProcess.start();
  client = new Client({ address: server.address, token: await server.token() });
  await ingest("documents", makeDocuments(6_000));
  const weighting = { auto_weight_by_length: true };
  await put("documents", { collection: "documents", format: "text", weighting });
  lines = Buffer.from(await run("stream", "documents"));
});

afterAll(async () => {
  client.close();
  expect(server.errors).toBe("");
  await server[Symbol.asyncDispose]();
});

function fail(...args: string[]): Promise<CommandResult> {
  return runCommand(args, { env: server.environment, cwd: server.folder });
}

/** Runs to a good end. */
async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await fail(...args);
  expect({ args, code, stderr }).toMatchObject({ code: 0 });
  return stdout;
}

function place(file: string): string {
  return join(server.folder, file);
}

async function ingest(collection: string, records: readonly Fields[]): Promise<void> {
  await client.ingest(
    collection,
    records.map((fields) => ({ id: fields.id, fieldsJson: JSON.stringify(fields) })),
  );
}

async function put(name: string, spec: object): Promise<void> {
  writeFileSync(place(`${name}.json`), JSON.stringify(spec));
  await run("dataset", "put", name, `${name}.json`);
}

function readText(...path: string[]): string {
  return readFileSync(place(join(...path)), "utf8");
}

test.for([
  ["none", ".jsonl"],
  ["gzip", ".jsonl.gz"],
  ["zstd", ".jsonl.zst"],
] as const)("JSONL shards, compression %s", async ([compression, extension]) => {
  const folder = `shards-${compression}`;
  await run("export", "documents", "--out", folder, "--shard-size", "500kB", "--compression", compression);
  expect(readShards(place(folder)).equals(lines)).toBe(true);
  const [split] = readExportIndex(place(folder)).splits;
  const count = split?.shards.length ?? 0;
  expect(count).toBe(Math.ceil(lines.length / 500_000));
  expect(split?.shards.every(({ line_bytes }) => line_bytes <= 500_000)).toBe(true);
  expect(split?.shards.at(-1)?.path).toBe(`data/train-000${count - 1}-of-000${count}${extension}`);
  const { snapshot } = await client.export.getSnapshot({ snapshot: split?.snapshot ?? "" });
  expect(split?.digest).toBe(Buffer.from(snapshot?.digest ?? []).toString("hex"));
});

test("a sample that is larger than a shard may be has its own", async () => {
  await ingest("few", makeDocuments(20));
  await put("few", { collection: "few", format: "text" });
  await run("export", "few", "--out", "single", "--shard-size", "1B");
  expect(readExportIndex(place("single")).splits[0]?.shards.map(({ samples }) => samples)).toEqual(Array(20).fill(1));
});

test.for([
  ["jsonl", "none"],
  ["jsonl", "gzip"],
  ["parquet", "zstd"],
] as const)("kill -9, again and again: %s, %s", async ([format, compression]) => {
  const args = ["--shard-size", "500kB", "--format", format, "--compression", compression];
  await run("export", "documents", "--out", `${format}-${compression}-whole`, ...args);
  const folder = place(`${format}-${compression}-killed`);
  for (const shards of [0, 6]) {
    const child = startCommand(["export", "documents", "--out", folder, ...args], { env: server.environment });
    const ended = once(child, "exit");
    while (!existsSync(join(folder, "data")) || readdirSync(join(folder, "data")).length <= shards) await delay(1);
    child.kill("SIGKILL");
    await ended;
    expect(existsSync(join(folder, stateFile))).toBe(true);
  }
  await run("export", "documents", "--out", folder, ...args);
  expect(digestsBelow(folder)).toEqual(digestsBelow(place(`${format}-${compression}-whole`)));
});

test("the server is killed in the middle, and comes back", async () => {
  const folder = place("server-killed");
  const args = ["export", "documents", "--out", folder, "--shard-size", "500kB"];
  const child = startCommand(args, { env: server.environment });
  const ended = resultOf(child);
  while (!existsSync(join(folder, "data"))) await delay(1);
  await server.kill();
  await server.start();
  expect(await ended).toMatchObject({ code: 0, stderr: "" });
  expect(digestsBelow(folder)).toEqual(digestsBelow(place("jsonl-none-whole")));
});

test.for([
  ["none", 1000],
  ["gzip", 100],
  ["zstd", 100],
] as const)("a disk that takes no more, then more again: compression %s", async ([compression, kilobytes]) => {
  const args = ["export", "documents", "--compression", compression, "--out"];
  await run(...args, `room-${compression}`);
  const limit = ["-c", `ulimit -f ${kilobytes} && exec "$@"`, "bash", process.execPath, commandFile];
  const folder = place(`no-room-${compression}`);
  const { env, cwd } = { env: server.environment, cwd: server.folder };
  const stopped = await resultOf(startProgram("bash", [...limit, ...args, folder], { env, cwd }));
  expect(stopped).toMatchObject({ code: 1, stderr: expect.stringContaining("large") });
  await run(...args, folder);
  expect(digestsBelow(folder)).toEqual(digestsBelow(place(`room-${compression}`)));
});

test("files that changed under an unfinished export are noticed", async () => {
  const folder = place("changed");
  const args = ["export", "documents", "--out", folder, "--shard-size", "500kB"];
  const child = startCommand(args, { env: server.environment });
  const ended = once(child, "exit");
  while (!existsSync(join(folder, "data", "train-00002.part"))) await delay(1);
  child.kill("SIGKILL");
  await ended;
  truncateSync(join(folder, "data", "train-00001.part"), 1000);
  expect(await fail(...args)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("train-00001.part is not as it"),
  });
  const { stderr } = await fail("export", "few", "--out", folder, "--shard-size", "500kB");
  expect(stderr).toMatch(/unfinished export of another source: .*documents.*few/);
});

test("Ctrl-C in one large file goes on exactly where it was", async () => {
  await run("export", "documents", "--out", "one-file");
  const folder = place("one-file-interrupted");
  const child = startCommand(["export", "documents", "--out", folder], { env: server.environment });
  const ended = resultOf(child);
  while (!existsSync(join(folder, "data", "train-00000.part"))) await delay(1);
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  expect(JSON.parse(readFileSync(join(folder, stateFile), "utf8"))).toMatchObject({
    splits: [{ part: { samples: expect.any(Number) } }],
  });
  await run("export", "documents", "--out", folder);
  expect(digestsBelow(folder)).toEqual(digestsBelow(place("one-file")));
});

test("a finished folder is recognised, and kept", async () => {
  await run("export", "documents", "--out", "done", "--shard-size", "1MB");
  const before = digestsBelow(place("done"));
  const args = ["export", "documents", "--out", "done", "--shard-size", "1MB"];
  expect(await run(...args)).toContain("done was complete already.");
  const key = readExportIndex(place("done")).splits[0]?.snapshot ?? "";
  expect(await run("export", key.slice(0, 8), "--out", "done", "--shard-size", "1MB")).toContain("complete already");
  expect(digestsBelow(place("done"))).toEqual(before);
});

test.for<[string, string[], (folder: string) => void, RegExp]>([
  ["a foreign folder", [], (folder) => writeFileSync(join(folder, "notes.txt"), "mine"), /is not empty, and neither/],
  ["another shard size", ["--shard-size", "2MB"], copyDone, /shard_size = 1000000, not 2000000/],
  ["another format", ["--format", "parquet"], copyDone, /format = jsonl, not parquet/],
  ["another snapshot", ["--shard-size", "1MB", "--as-of", "2020-01-01"], copyDone, /holds snapshot [0-9a-f]{64}, not/],
  [
    "a folder without one of its shards",
    ["--shard-size", "1MB"],
    (folder) => {
      cpSync(place("done"), folder, { recursive: true });
      rmSync(join(folder, readExportIndex(folder).splits[0]?.shards[1]?.path ?? ""));
    },
    /train-00001-of-\d+\.jsonl is not as it was written: remove .* and export again/,
  ],
  [
    "a shard with something behind it",
    ["--shard-size", "1MB"],
    (folder) => {
      cpSync(place("done"), folder, { recursive: true });
      appendFileSync(join(folder, readExportIndex(folder).splits[0]?.shards[0]?.path ?? ""), "{}\n");
    },
    /is not as it was written/,
  ],
  [
    "a shard with another byte",
    ["--shard-size", "1MB"],
    (folder) => {
      cpSync(place("done"), folder, { recursive: true });
      const shard = join(folder, readExportIndex(folder).splits[0]?.shards[1]?.path ?? "");
      writeFileSync(shard, readFileSync(shard, "utf8").replace("e", "E"));
    },
    /train-00001-of-\d+\.jsonl is not as it was written/,
  ],
])("%s is refused", async ([_name, args, prepare, problem]) => {
  const folder = place("refused");
  mkdirSync(folder);
  prepare(folder);
  const before = digestsBelow(folder);
  const { code, stderr } = await fail("export", "documents", "--out", folder, ...args);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(problem) });
  expect(digestsBelow(folder)).toEqual(before);
  rmSync(folder, { recursive: true });
});

function copyDone(folder: string): void {
  writeFileSync(join(folder, "loraloop-export.json"), readText("done", "loraloop-export.json"));
}

test.for<[string[], string]>([
  [["--shard-size", "0"], "--shard-size is not a size: 0"],
  [["--shard-size", "5 parsecs"], "--shard-size is not a size"],
  [["--adapter-set", "--format", "parquet"], "--adapter-set writes one JSONL file"],
  [["--format", "csv"], "Allowed choices are jsonl, parquet"],
])("export %j: wrong usage", async ([args, problem]) => {
  const { code, stderr } = await fail("export", "documents", "--out", "wrong", ...args);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(problem) });
  expect(existsSync(place("wrong"))).toBe(false);
});

/** Reads folders as trainers do, by their cards, and compares each with lines; in Parquet, what is absent is null and what is mixed is JSON. */
async function loadDatasets(expected: string, ...folders: string[]): Promise<void> {
  const script = `
import json, sys
from datasets import load_dataset

def clean(value):
    if isinstance(value, dict):
        return {key: clean(part) for key, part in value.items() if part is not None}
    return [clean(part) for part in value] if isinstance(value, list) else value

def as_text(value, path):
    if len(path) == 0:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return {**value, path[0]: as_text(value[path[0]], path[1:])} if path[0] in value else value

samples = [json.loads(line) for line in open(sys.argv[1])]
for folder in sys.argv[2:]:
    wanted = samples
    for path in json.load(open(folder + "/loraloop-export.json"))["mixed"]:
        wanted = [as_text(sample, path.split(".")) for sample in wanted]
    rows = list(load_dataset(folder, split="train"))
    assert [clean(row) for row in rows] == [clean(sample) for sample in wanted], folder
`;
  const env = { ...process.env, HF_HOME: place("hf-home"), HF_HUB_OFFLINE: "1" };
  const child = startProgram(python, ["-c", script, expected, ...folders], { env, cwd: server.folder });
  const { code, stderr } = await resultOf(child);
  expect({ code, stderr }).toMatchObject({ code: 0 });
}

test("Parquet with nested columns, some of them late, and mixed ones", async () => {
  const turns = (number: number): object[] => [
    { role: "user", content: `Question ${number}? 🦊` },
    { role: "assistant", content: "\u2028 Answer", ...(number === 1_900 && { thinking: "hm" }) },
  ];
  const records = Array.from({ length: 2_000 }, (_, number) => ({
    id: `c${String(number).padStart(4, "0")}`,
    messages: turns(number),
    page: number % 700 === 699 ? `p${number}` : number,
    ...(number > 1_500 && { tags: ["late", String(number)] }),
  }));
  await ingest("chats", records);
  await put("chats", { collection: "chats", format: "chat", metadata_fields: ["tags", "page"] });
  writeFileSync(place("chats.jsonl"), await run("stream", "chats"));
  const args = ["export", "chats", "--format", "parquet", "--shard-size", "20kB"];
  const { stderr } = await fail(...args, "--out", "chats-parquet");
  expect(stderr).toContain("all are read once more");
  expect(readExportIndex(place("chats-parquet")).mixed).toEqual(["metadata.page"]);
  await loadDatasets("chats.jsonl", "chats-parquet");
});

test("a second reading for the columns survives kill -9", async () => {
  const folder = place("chats-killed");
  const args = ["export", "chats", "--format", "parquet", "--shard-size", "20kB", "--out", folder];
  for (const shards of [1, 3]) {
    const child = startCommand(args, { env: server.environment });
    const ended = once(child, "exit");
    while (!existsSync(join(folder, "data")) || readdirSync(join(folder, "data")).length <= shards) await delay(1);
    child.kill("SIGKILL");
    await ended;
  }
  await run(...args);
  expect(digestsBelow(folder)).toEqual(digestsBelow(place("chats-parquet")));
});

test("each split of a dataset in files of its own", async () => {
  const splits = {
    parts: [
      { name: "train", percent: 80 },
      { name: "hold-out", percent: 20 },
    ],
  };
  await put("parts", { collection: "documents", format: "text", splits });
  await run("export", "parts", "--out", "parts");
  const index = readExportIndex(place("parts"));
  expect(index.splits.map(({ name }) => name)).toEqual(["train", "hold-out"]);
  for (const { name, samples } of index.splits) {
    expect(samples).toBeGreaterThan(0);
    expect(readShards(place("parts"), name).toString()).toBe(await run("stream", "parts", "--split", name));
  }
  await run("export", "parts", "--split", "hold-out", "--out", "part");
  expect(readShards(place("part"), "hold-out").equals(readShards(place("parts"), "hold-out"))).toBe(true);
  expect(Object.keys(digestsBelow(place("parts")))).toContain("data/hold-out-00000-of-00001.jsonl");
  const { code, stderr } = await fail("export", "parts", "--adapter-set", "--out", "parts-adapter");
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("--split (train, hold-out)") });
});

test("the adapter set: what a LoRA trainer of before reads", async () => {
  const adapter = {
    enable_tracking: true,
    adapter_id: "legal-qa-v1",
    base_model_name: "mistralai/Mistral-7B-v0.1",
    domain: "legal",
    training_config: {
      num_samples: 50_000,
      lora_rank: 8,
      lora_alpha: 16,
      lora_dropout: 0.1,
      target_modules: ["q_proj"],
    },
    vllm_config: { enabled: true, max_lora_rank: 16 },
    reviewedBy: { "Who?": "me" },
  };
  const schema = { type: "object", required: ["output"], properties: { output: { type: "string", minLength: 5 } } };
  const configuration = {
    field_mapping: { instruction_field: "question", output_field: "answer" },
    structured_gen: { enable_schema_validation: true, json_schema: JSON.stringify(schema) },
    adapter_metadata: adapter,
  };
  await ingest("legal", [
    { id: "a", question: "Q", answer: "long enough" },
    { id: "b", question: "Q", answer: "no" },
    { id: "c", question: "Q" },
  ]);
  writeFileSync(place("legal.json"), JSON.stringify(configuration));
  await run("dataset", "import", "legal", "legal.json", "--collection", "legal");
  await run("export", "legal", "--adapter-set", "--out", "legal");
  expect(readText("legal", "training.jsonl")).toBe(await run("stream", "legal"));
  const { training_config, vllm_config, ...others } = adapter;
  const [split] = readExportIndex(place("legal")).splits;
  const { snapshot, digest } = split ?? {};
  expect(JSON.parse(readText("legal", "adapter_metadata.json"))).toEqual({
    ...others,
    training: { dataset_name: "legal", ...training_config, num_samples: 1 },
    vllm: vllm_config,
    loraloop: expect.objectContaining({ dataset: "legal", split: "train", snapshot, digest }),
  });
  expect(JSON.parse(readText("legal", "quality_report.json"))).toMatchObject({
    loraloop: { snapshot },
    schema_compliance: { checked: 2, invalid: 1, rate: 0.5 },
    total_entities: 3,
    exported_entities: 1,
    failed_entities: 2,
    errors: [expect.stringContaining("Entity b"), "Entity c: Missing required field 'output'"],
    statistics: {
      rejects: [
        { reason: "MISSING_FIELD", count: 1 },
        { reason: "SCHEMA_INVALID", count: 1 },
      ],
    },
  });
});

test.for([[[]], [["--format", "parquet"]], [["--adapter-set"]]])("no samples at all: %j", async ([args]) => {
  const conditions = [{ field: "theme", values: ["nothing has this theme"] }];
  writeFileSync(place("none.json"), JSON.stringify({ collection: "few", format: "text", selection: { conditions } }));
  const folder = `none${args?.join("") ?? ""}`;
  const { code, stderr } = await fail("export", "--spec", "none.json", "--out", folder, ...(args ?? []));
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("nothing has this theme") });
  expect(readShards(place(folder)).length).toBe(0);
});

test.for(["gsm8k", "court-decisions"])("real input: %s", async (name) => {
  const files = realFiles(name);
  if (files === undefined) return;
  await run("ingest", name, ...files);
  const instruction = { format: "instruction", mapping: { instruction: "question", output: "answer" } };
  const metadata_fields = ["court", "theme", "domain", "date", "title"];
  const text = { format: "text", metadata_fields };
  await put(name, { collection: name, ...(name === "gsm8k" ? instruction : text), weighting: {} });
  writeFileSync(place(`${name}.jsonl`), await run("stream", name));
  for (const format of ["jsonl", "parquet"]) {
    await run("export", name, "--format", format, "--shard-size", "1MB", "--out", `${name}-${format}`);
  }
  await loadDatasets(`${name}.jsonl`, `${name}-jsonl`, `${name}-parquet`);
});
