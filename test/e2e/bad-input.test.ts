import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseDatasetFile } from "../../clients/cli/dataset-file.ts";
import { Client, type StreamState } from "../../clients/typescript/src/index.ts";
import { makeDocuments } from "../data/documents.ts";
import { resultOf, runCommand, startCommand } from "../support/command.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import { NeighbourStream } from "./neighbour-stream.ts";

let server: LoraloopProcess;
let client: Client;
let neighbour: NeighbourStream;

const documents = { $case: "spec", value: parseDatasetFile('{"collection":"documents","format":"text"}') } as const;

beforeAll(async () => {
  server = await LoraloopProcess.start();
  client = new Client({ address: server.address, token: await server.token() });
  const records = makeDocuments(500).map((fields) => ({ id: fields.id, fieldsJson: JSON.stringify(fields) }));
  await client.ingest("documents", records);
  const { key } = await client.buildSnapshot({ source: documents });
  neighbour = new NeighbourStream(client, key);
});

afterAll(async () => {
  await neighbour.stop();
  expect(neighbour.rounds).toBeGreaterThan(1);
  client.close();
  expect(server.errors).toBe("");
  await server[Symbol.asyncDispose]();
});

function run(...args: string[]) {
  return runCommand(args, { env: server.environment, cwd: server.folder });
}

function write(file: string, content: string | Uint8Array): string {
  writeFileSync(join(server.folder, file), content);
  return file;
}

describe("lines of a file", () => {
  const good = { id: "good", text: "kept" };
  const deep = `{"id":"deep","x":${"[".repeat(65)}${"]".repeat(65)}}`;
  const bad: readonly (readonly [string | Uint8Array, RegExp])[] = [
    ['{"id":"a", "text":', /not JSON/],
    ["{'id':'a'}", /not JSON/],
    ['{"id":"a"} trailing', /not JSON/],
    ["[1,2]", /not a JSON object/],
    ["null", /not a JSON object/],
    ['"text"', /not a JSON object/],
    [Buffer.from([0x7b, 0x22, 0x69, 0x64, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]), /not UTF-8/],
    ['{"text":"no id"}', /no field "id"/],
    ['{"id":{"a":1}}', /"id" is neither text nor a number/],
    ['{"id":""}', /"id" is empty/],
    ['{"id":null}', /no field "id"/],
    ['{"id":"q","quality":"high"}', /"quality" is no number/],
    ['{"id":"q","quality":1.5}', /quality_score is 1.5/],
    ['{"id":"s","person":{"name":"x"}}', /"person" is neither text nor a number/],
    ['{"id":"control \\u0007"}', /control/],
    [`{"id":"${"x".repeat(257)}"}`, /record_id_bytes|256/],
    ['{"id":"nul","text":"a\\u0000b"}', /NUL \(U\+0000\)/],
    ['{"id":"surrogate","text":"\\ud800"}', /surrogate/],
    ['{"id":"surrogate-key","\\udc00":1}', /surrogate/],
    ['{"id":"\\ud800"}', /surrogate/],
    ['{"id":"big","n":9007199254740992}', /integer/],
    ['{"id":"negative","n":{"m":[-9007199254740993]}}', /integer/],
    ['{"id":"huge","n":1e999}', /too large/],
    [deep, /record_depth|64/],
    [`{"id":"10MB","text":"${"x".repeat(10_000_000)}"}`, /record_bytes/],
    [`{"id":"17MB","text":"${"x".repeat(17_000_000)}"}`, /shorten/],
  ];

  test("each bad one is named with its line and what is wrong; the others are kept", async () => {
    const kept = [
      good,
      { id: "safe", n: Number.MAX_SAFE_INTEGER, m: -Number.MAX_SAFE_INTEGER, float: 1e300 },
      { id: "also", text: "\u2028" },
    ];
    const proto = '{"id":"proto","__proto__":{"polluted":true},"constructor":{"prototype":1},"text":"t"}';
    const twice = '{"id":"twice","text":"first","text":"last"}';
    const lines = [
      JSON.stringify(kept[0]),
      ...bad.map(([line]) => line),
      JSON.stringify(kept[1]),
      proto,
      twice,
      JSON.stringify(kept[2]),
    ];
    write("bad.jsonl", Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from("\n")])));
    const fields = ["--id-field", "id", "--quality-field", "quality", "--subject-field", "person"];
    const { code, stdout } = await run("--json", "ingest", "bad", "bad.jsonl", ...fields);
    expect(code).toBe(1);
    const report = JSON.parse(stdout) as { problem_count: number; problems: { line: number; problem: string }[] };
    const byLine = new Map(report.problems.map(({ line, problem }) => [line, problem]));
    for (const [place, [line, problem]] of bad.entries()) {
      expect(byLine.get(place + 2), String(line).slice(0, 80)).toMatch(problem);
    }
    expect(report).toMatchObject({ kept: 5, problem_count: bad.length });

    const { records } = await client.corpus.listRecords({ collection: "bad" });
    expect(records.map(({ fieldsJson }) => fieldsJson)).toEqual([
      JSON.stringify(kept[2]),
      JSON.stringify(good),
      proto,
      JSON.stringify(kept[1]),
      '{"id":"twice","text":"last"}',
    ]);
  });

  test("`__proto__` is plain data up to the sample", async () => {
    const metadata_fields = ["__proto__", "constructor", "toString"];
    write("proto.json", JSON.stringify({ collection: "bad", format: "text", metadata_fields }));
    const { stdout } = await run("stream", "--spec", "proto.json");
    expect(stdout).toContain('{"text":"t","metadata":{"__proto__":{"polluted":true},"constructor":{"prototype":1}}}\n');
    expect({}).not.toHaveProperty("polluted");
  });

  test("a damaged gzip file: an error that names it; what was acknowledged stays", async () => {
    const { gzipSync } = await import("node:zlib");
    const text = Array.from({ length: 5000 }, (_, n) => JSON.stringify({ id: `r${n}`, text: Math.sqrt(n) })).join("\n");
    const whole = gzipSync(text);
    write("cut.jsonl.gz", whole.subarray(0, whole.length / 2));
    const { code, stderr } = await run("ingest", "cut", "cut.jsonl.gz");
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(/cut\.jsonl\.gz cannot be read/) });
  });
});

test("a client that is killed while it uploads: exactly the acknowledged chunks stay", async () => {
  const lines = Array.from({ length: 100_000 }, (_, number) => JSON.stringify({ id: `n${number}`, number }));
  const child = startCommand(["ingest", "killed", write("killed.jsonl", lines.join("\n"))], {
    env: server.environment,
    cwd: server.folder,
  });
  const ended = resultOf(child);
  const count = async () =>
    (await client.corpus.listRecords({ collection: "killed" }).catch(() => ({ records: [] }))).records.length;
  while ((await count()) === 0);
  child.kill("SIGKILL");
  await ended;
  const stored: string[] = [];
  let pageToken = "";
  do {
    const page = await client.corpus.listRecords({ collection: "killed", pageSize: 1000, pageToken });
    stored.push(...page.records.map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(stored.length % 500).toBe(0);
  expect(new Set(stored)).toEqual(new Set(Array.from({ length: stored.length }, (_, number) => `n${number}`)));
  // Nobody trains on half an upload unless told to.
  const source = { $case: "spec", value: parseDatasetFile('{"collection":"killed","format":"text"}') } as const;
  await expect(client.stream({ source }).batches().next()).rejects.toMatchObject({ reason: "INGEST_OPEN" });
});

describe("dataset files", () => {
  test.for<[string, string[], string]>([
    ['{"collection":"documents","format":"text","colection":1}', ["put", "x"], "colection: unknown key"],
    ['{"collection":"documents","format":"text","quality":{"min":1}}', ["put", "x"], "quality.min: unknown key"],
    ['{"collection":"documents","format":7}', ["put", "x"], "format: expected string"],
    ['{"collection":"documents"', ["put", "x"], "is no JSON"],
    ['{"style":"CHAT"}', ["import", "x", "--collection", "documents"], "style"],
    ['{"weights":{}}', ["import", "x", "--collection", "documents"], "weights: unknown key"],
    ['{"quality":{"min_text_length":"5"}}', ["import", "x", "--collection", "documents"], "quality.min_text_length"],
  ])("%s", async ([content, [command = "", name = "", ...rest], problem]) => {
    const { code, stdout, stderr } = await run("dataset", command, name, write("x.json", content), ...rest);
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: "", stderr: expect.stringContaining(problem) });
  });

  const nested = (depth: number): string => (depth === 0 ? "{}" : `{"properties":{"a":${nested(depth - 1)}}}`);
  test.for<[string, object, string]>([
    [
      "a pattern that explodes",
      { schema_validation: { json_schema: { pattern: "^(a|a)*(a{1,1000}){1000}$" } } },
      "SCHEMA_INVALID",
    ],
    ["a deep schema", { schema_validation: { json_schema: nested(3000) } }, "SCHEMA_INVALID"],
    [
      "a wide schema",
      { schema_validation: { json_schema: { anyOf: Array(2000).fill({ const: 1 }) } } },
      "SCHEMA_INVALID",
    ],
    ["a large schema", { schema_validation: { json_schema: { enum: Array(40_000).fill("x") } } }, "SCHEMA_INVALID"],
    [
      "a remote reference",
      { schema_validation: { json_schema: { $ref: "http://169.254.169.254/" } } },
      "SCHEMA_INVALID",
    ],
    ["a file reference", { schema_validation: { json_schema: { $ref: "file:///etc/passwd" } } }, "SCHEMA_INVALID"],
    ["no schema", { schema_validation: { json_schema: "{" } }, "SCHEMA_INVALID"],
    ["no CEL", { selection: { filter: "record.a ==" } }, "FILTER_INVALID"],
    ["CEL that gives no bool", { selection: { filter: "1 + 1" } }, "FILTER_INVALID"],
    ["long CEL", { selection: { filter: "true && ".repeat(2000).concat("true") } }, "FILTER_INVALID"],
    ["CEL of an unknown name", { selection: { filter: "process.exit(1)" } }, "FILTER_INVALID"],
    ["an unknown format", { format: "parquet" }, "FORMAT_UNKNOWN"],
    ["an unknown part", { mapping: { answer: "text" } }, "DATASET_INVALID"],
    ["a path without a step", { metadata_fields: ["a..b"] }, "DATASET_INVALID"],
    ["a weight below zero", { weighting: { default_weight: -1 } }, "DATASET_INVALID"],
  ])("%s is refused quickly", async ([_name, part, reason]) => {
    const spec = parseDatasetFile(JSON.stringify({ collection: "documents", format: "text", ...part }));
    const began = performance.now();
    await expect(client.export.putDataset({ name: "hostile", spec })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(/^.{10,1024}$/s),
      ...(reason !== "" && { reason }),
    });
    expect(performance.now() - began).toBeLessThan(5000);
    await expect(client.export.getDataset({ name: "hostile" })).rejects.toMatchObject({ reason: "DATASET_NOT_FOUND" });
  });

  test.for(["record.nothing > 1", "record.text"])(
    "a filter that fails for a record rejects the record: %s",
    async (filter) => {
      const spec = parseDatasetFile(JSON.stringify({ collection: "documents", format: "text", selection: { filter } }));
      const { statistics } = await client.export.previewSamples({ source: { source: { $case: "spec", value: spec } } });
      expect(statistics?.sampleCount).toBe(0n);
      expect(statistics?.errors[0]).toContain("doc-0000000");
    },
  );
});

describe("resume points", () => {
  const hex = "ab".repeat(32);
  let state: StreamState;

  beforeAll(async () => {
    const stream = client.stream({ source: documents });
    for await (const _sample of stream) break;
    state = stream.stateDict();
  });

  test.for<[string, Partial<Record<keyof StreamState, unknown>>, string]>([
    ["store", { store: hex.slice(0, 32) }, "RESUME_OTHER_STORE"],
    ["incarnation", { incarnation: "x" }, "RESUME_OTHER_INCARNATION"],
    ["request", { request_hash: hex }, "RESUME_OTHER_REQUEST"],
    ["plan", { plan: hex }, "RESUME_PLAN_UNKNOWN"],
    ["plan that is none", { plan: "../../etc/passwd" }, "RESUME_PLAN_UNKNOWN"],
    ["index", { next_index: 501 }, "RESUME_BEYOND_END"],
    ["far index", { next_index: Number.MAX_SAFE_INTEGER }, "RESUME_BEYOND_END"],
  ])("with a forged %s", async ([_name, forged, reason]) => {
    const stream = client.stream({ source: documents }, { resume: { ...state, ...forged } as StreamState });
    const [value] = Object.values(forged);
    await expect(Array.fromAsync(stream)).rejects.toMatchObject({
      reason,
      message: expect.stringContaining(String(value)),
    });
  });

  test("of another request, and of another tenant", async () => {
    const other = { source: { ...documents, value: { ...documents.value, metadataFields: ["id"] } } };
    const reason = "RESUME_OTHER_REQUEST";
    await expect(Array.fromAsync(client.stream(other, { resume: state }))).rejects.toMatchObject({ reason });
    await using system = new Client({ address: server.address, token: await server.systemToken() });
    const { secret } = await system.tokens.createToken({ scopes: ["admin"], tenant: "stranger" });
    await using stranger = new Client({ address: server.address, token: secret });
    const foreign = stranger.stream({ source: documents }, { resume: state });
    await expect(Array.fromAsync(foreign)).rejects.toMatchObject({ reason: "RESUME_PLAN_UNKNOWN" });
  });

  test("in a file of the command line", async () => {
    write("spec.json", '{"collection":"documents","format":"text"}');
    write("forged.out", "x".repeat(10));
    for (const [content, code, problem] of [
      ["{", 2, "forged.out.state.json"],
      [JSON.stringify({ bytes: 10, state: { ...state, store: "x" } }), 1, "RESUME_OTHER_STORE"],
      [JSON.stringify({ bytes: 10, state: { ...state, next_index: -1 } }), 1, '"next_index" is not a count: -1'],
      [JSON.stringify({ bytes: 10, state: { ...state, format: 2 } }), 1, "format 2"],
      [JSON.stringify({ bytes: "10", state }), 2, "forged.out.state.json"],
      [JSON.stringify({ bytes: 11, state }), 2, "forged.out"],
    ] as const) {
      write("forged.out.state.json", content);
      const result = await run("stream", "--spec", "spec.json", "-o", "forged.out", "--resume");
      expect(result, content).toMatchObject({ code, stderr: expect.stringContaining(problem) });
    }
  });
});

describe("tokens", () => {
  test.for(["nonsense", "ll_aaaaaaaaaaaa_bbbb", "x".repeat(10_000)])("%#: one that is none", async (token) => {
    await using nobody = new Client({ address: server.address, token });
    const refusal = { code: "UNAUTHENTICATED", reason: "TOKEN_INVALID" };
    await expect(nobody.export.listDatasets({})).rejects.toMatchObject(refusal);
    await expect(nobody.ingest("documents", [{ id: "x", fieldsJson: "{}" }])).rejects.toMatchObject(refusal);
    await expect(Array.fromAsync(nobody.stream({ source: documents }))).rejects.toMatchObject(refusal);
  });

  test("a reader's token writes nothing", async () => {
    const { secret } = await client.tokens.createToken({ scopes: ["export.read"] });
    await using reader = new Client({ address: server.address, token: secret });
    const refusal = { code: "PERMISSION_DENIED", reason: "SCOPE_MISSING" };
    await expect(reader.ingest("documents", [{ id: "x", fieldsJson: "{}" }])).rejects.toMatchObject(refusal);
    await expect(reader.corpus.getRecord({ collection: "documents", id: "x" })).rejects.toMatchObject(refusal);
    await expect(reader.buildSnapshot({ source: documents })).rejects.toMatchObject(refusal);
    await expect(reader.tokens.listTokens({})).rejects.toMatchObject(refusal);
    await expect(Array.fromAsync(reader.stream({ source: documents }))).resolves.toHaveLength(500);
  });
});

const canMount = process.platform === "linux" && process.getuid?.() === 0;
if (!canMount) process.stderr.write("Skipped: the full disk (only root can mount a small one).\n");

test.runIf(canMount)(
  "a full disk: what was acknowledged is there, the server lives, and goes on when there is room",
  async () => {
    await using small = await LoraloopProcess.start(async ({ dataDirectory }) => {
      await mkdir(dataDirectory);
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", dataDirectory]);
    });
    try {
      await using writer = new Client({ address: small.address, token: await small.token() });
      const text = "x".repeat(200_000);
      const write = (number: number) =>
        writer.corpus.upsertRecords({
          collection: "full",
          records: [{ id: `n${number}`, fieldsJson: JSON.stringify({ number, text }) }],
        });
      let written = 0;
      const refusal = {
        code: "UNAVAILABLE",
        reason: "STORE_UNAVAILABLE",
        message: expect.stringContaining("disk may be full"),
      };
      await expect(
        (async () => {
          for (; written < 1000; written += 1) await write(written);
        })(),
      ).rejects.toMatchObject(refusal);
      const ids = async () =>
        (await writer.corpus.listRecords({ collection: "full", pageSize: 10 })).records.map(({ id }) => id);
      expect(await ids()).toContain("n0");
      await expect(writer.corpus.getRecord({ collection: "full", id: `n${written}` })).rejects.toMatchObject({
        reason: "RECORD_NOT_FOUND",
      });
      execFileSync("mount", ["-o", "remount,size=64m", small.dataDirectory]);
      await small.kill();
      await small.start();
      for (let number = 0; number < written; number += 1) {
        expect((await writer.corpus.getRecord({ collection: "full", id: `n${number}` })).record?.id).toBe(`n${number}`);
      }
      await write(written);
    } finally {
      await small.kill();
      execFileSync("umount", [small.dataDirectory]);
    }
  },
);
