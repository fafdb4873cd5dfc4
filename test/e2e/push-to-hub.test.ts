import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Client } from "../../clients/typescript/src/index.ts";
import { makeDocuments } from "../data/documents.ts";
import { type CommandResult, python, resultOf, runCommand, startCommand, startProgram } from "../support/command.ts";
import { digestsBelow, sha256 } from "../support/exported-folder.ts";
import { HubServer } from "../support/hub-server.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";

const repository = "somebody/samples";

let server: LoraloopProcess;
let hub: HubServer;

beforeAll(async () => {
  server = await LoraloopProcess.start();
  const client = new Client({ address: server.address, token: await server.token() });
  const records = makeDocuments(2_000).map((fields) => ({ id: fields.id, fieldsJson: JSON.stringify(fields) }));
  await client.ingest("documents", records);
  client.close();
  const splits = {
    parts: [
      { name: "train", percent: 80 },
      { name: "test", percent: 20 },
    ],
  };
  // Some are too short: left out, and named in the quality report.
  const quality = { min_text_length: 1_000 };
  writeFileSync(place("documents.json"), JSON.stringify({ collection: "documents", format: "text", splits, quality }));
  await run("dataset", "put", "documents", "documents.json");
  await run("export", "documents", "--out", "jsonl", "--shard-size", "300kB");
  await run("export", "documents", "--out", "parquet", "--format", "parquet", "--shard-size", "800kB");
  await run("export", "documents", "--split", "test", "--out", "adapter", "--adapter-set");
});

afterAll(async () => {
  expect(server.errors).toBe("");
  await server[Symbol.asyncDispose]();
});

beforeEach(async () => {
  hub = await HubServer.start();
});

afterEach(() => hub[Symbol.asyncDispose]());

function place(file: string): string {
  return join(server.folder, file);
}

function environment(): NodeJS.ProcessEnv {
  return { ...server.environment, HF_TOKEN: hub?.token, HF_ENDPOINT: hub?.endpoint };
}

function fail(...args: string[]): Promise<CommandResult> {
  return runCommand(args, { env: environment(), cwd: server.folder });
}

/** Runs to a good end. */
async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await fail(...args);
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
  return stdout;
}

/** What a folder is for everybody: its quality report names records that were left out. */
function publicDigests(folder: string): Record<string, string> {
  const digests = digestsBelow(place(folder));
  if (!("quality_report.json" in digests)) return digests;
  const text = readFileSync(place(`${folder}/quality_report.json`), "utf8");
  const names = /"(errors|examples)": \[/g;
  expect(text.match(names)).toHaveLength(2);
  const report = JSON.parse(text, (key, value: unknown) => (["errors", "examples"].includes(key) ? undefined : value));
  return { ...digests, "quality_report.json": sha256(Buffer.from(`${JSON.stringify(report, undefined, 2)}\n`)) };
}

/** Digests of what the repository holds. */
function pushed(name = repository): Record<string, string> {
  const files = hub.repositories.get(name)?.files ?? new Map<string, Buffer>();
  return Object.fromEntries([...files].map(([path, bytes]) => [path, sha256(bytes)]));
}

test.for(["jsonl", "parquet", "adapter"])("the folder %s, whole and once", async (folder) => {
  expect(await run("push-to-hub", folder, repository)).toBe(
    `${folder} is pushed: ${hub.endpoint}/datasets/${repository}\n`,
  );
  expect(pushed()).toEqual(publicDigests(folder));
  expect(hub.repositories.get(repository)).toMatchObject({ private: false, commits: 1 });
  expect(await run("push-to-hub", folder, repository)).toContain("was there already");
  expect(hub.repositories.get(repository)?.commits).toBe(1);
});

test("--private makes a private repository, and refuses a public one", async () => {
  await run("push-to-hub", "parquet", repository, "--private");
  expect(hub.repositories.get(repository)?.private).toBe(true);
  await run("push-to-hub", "jsonl", repository, "--private");
  await run("push-to-hub", "parquet", "somebody/open");
  const { code, stderr } = await fail("push-to-hub", "jsonl", "somebody/open", "--private");
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("somebody/open is public") });
  expect(pushed("somebody/open")).toEqual(digestsBelow(place("parquet")));
});

test("an edited card is pushed, the samples are not sent again", async () => {
  cpSync(place("parquet"), place("edited"), { recursive: true });
  await run("push-to-hub", "edited", repository);
  appendFileSync(place("edited/README.md"), "\nMore about it.\n");
  hub.calls.length = 0;
  expect(await run("push-to-hub", "edited", repository)).toContain("is pushed");
  expect(pushed()).toEqual(digestsBelow(place("edited")));
  expect(hub.count("PUT", "/storage/") + hub.count("POST", "/storage/")).toBe(0);
  rmSync(place("edited/README.md"));
  const { code, stderr } = await fail("push-to-hub", "edited", repository);
  const sentence = "edited lacks README.md: put back what is missing, or export into a new folder.";
  expect({ code, stderr }).toEqual({ code: 2, stderr: `loraloop: ${sentence}\n` });
});

test("records that were left out are not named in what is pushed", async () => {
  const report = readFileSync(place("adapter/quality_report.json"), "utf8");
  const { statistics } = JSON.parse(report) as { statistics: { rejects: { examples: { record_id: string }[] }[] } };
  const [left] = statistics.rejects.flatMap(({ examples }) => examples);
  await run("push-to-hub", "adapter", repository);
  const files = hub.repositories.get(repository)?.files;
  const { statistics: known } = JSON.parse(String(files?.get("quality_report.json"))) as { statistics: unknown };
  expect(known).toMatchObject({ rejects: [{ reason: "TEXT_TOO_SHORT", count: expect.any(Number) }] });
  for (const [path, bytes] of files ?? [])
    expect([path, bytes.includes(`"${left?.record_id}"`)]).toEqual([path, false]);
});

test("another export replaces the files of the one before, and nothing else", async () => {
  await run("push-to-hub", "jsonl", repository);
  hub.repositories.get(repository)?.files.set("LICENSE", Buffer.from("mine"));
  await run("push-to-hub", "parquet", repository);
  expect(pushed()).toEqual({ ...digestsBelow(place("parquet")), LICENSE: sha256(Buffer.from("mine")) });
});

test("what belongs to an adapter set goes with it, also where somebody has removed a part", async () => {
  await run("push-to-hub", "adapter", repository);
  await run("push-to-hub", "jsonl", repository);
  expect(pushed()).toEqual(digestsBelow(place("jsonl")));
  await run("push-to-hub", "adapter", repository);
  hub.repositories.get(repository)?.files.delete("quality_report.json");
  await run("push-to-hub", "parquet", repository);
  expect(pushed()).toEqual(digestsBelow(place("parquet")));
});

test("failures in the middle are tried again; what came through is not sent again", async () => {
  const mishaps = new Map<string, (number | "cut" | "cut after")[]>([
    ["GET /api/datasets", [503]],
    ["POST /api/repos/create", [429]],
    ["POST /api/datasets/somebody/samples/preupload", ["cut"]],
    ["POST /datasets/somebody/samples.git", [500]],
    ["PUT /storage/", ["cut", 500, "cut after"]],
    ["POST /storage/", [502]],
    ["POST /api/datasets/somebody/samples/commit", [500, "cut after"]],
  ]);
  hub.mishap = ({ method, path }) => {
    const [, due] = [...mishaps].find(([beginning]) => `${method} ${path}`.startsWith(beginning)) ?? [];
    return due?.shift();
  };
  await run("push-to-hub", "jsonl", repository);
  expect([...mishaps.values()].flat()).toEqual([]);
  expect(pushed()).toEqual(digestsBelow(place("jsonl")));
  // The second commit came through, though its answer did not.
  expect(hub.repositories.get(repository)?.commits).toBe(1);
});

test("kill -9 in the middle of the upload; run again, it sends only what is missing", async () => {
  let uploads = 0;
  const killed = Promise.withResolvers<void>();
  const child = startCommand(["push-to-hub", "jsonl", repository], { env: environment(), cwd: server.folder });
  hub.mishap = ({ method, path }) => {
    if (method !== "PUT" && !path.startsWith("/storage/")) return undefined;
    uploads += 1;
    if (uploads < 12) return undefined;
    child.kill("SIGKILL");
    killed.resolve();
    return "cut";
  };
  const ended = resultOf(child);
  await killed.promise;
  expect((await ended).signal).toBe("SIGKILL");
  const before = hub.objects.size;
  expect(before).toBeGreaterThan(0);
  expect(pushed()).toEqual({});
  hub.mishap = () => undefined;
  hub.calls.length = 0;
  await run("push-to-hub", "jsonl", repository);
  expect(pushed()).toEqual(digestsBelow(place("jsonl")));
  const sent = new Set(
    hub.calls.filter(({ path }) => path.startsWith("/storage/")).map(({ path }) => path.split("/")[2]),
  );
  expect(sent.size).toBe(hub.objects.size - before);
});

test("storage by chunks, as the hub prefers it", async () => {
  hub.xet = { chunkBytes: 0, token: "for-xet-only" };
  await run("push-to-hub", "parquet", repository);
  const files = Object.keys(digestsBelow(place("parquet")));
  const sizes = files.filter((path) => path.startsWith("data/")).map((path) => statSync(place(`parquet/${path}`)).size);
  expect(hub.xet.chunkBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
  expect(Object.keys(pushed()).sort()).toEqual(files);
});

test("a hub that is gone for good", async () => {
  hub.mishap = ({ path }) => (path.includes("preupload") ? 403 : undefined);
  const { code, stderr } = await fail("push-to-hub", "jsonl", repository);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("The hub refused (403): mishap 403") });
  expect(stderr).not.toContain(hub.token);
});

test.for<[string, string[], object, string]>([
  ["no token", [], { HF_TOKEN: "" }, "There is no token"],
  ["something else as token", [], { HF_TOKEN: "secret" }, "HF_TOKEN holds no access token"],
  ["http elsewhere", ["--endpoint", "http://hub.example"], {}, "http://hub.example is not allowed"],
  ["another protocol", ["--endpoint", "ftp://127.0.0.1"], {}, "is not allowed"],
  ["a name in the endpoint", ["--endpoint", "https://me:pw@hub.example"], {}, "is not allowed"],
])("%s is refused before anything is sent", async ([_name, args, variables, problem]) => {
  const env = { ...environment(), ...variables };
  const { code, stderr } = await runCommand(["push-to-hub", "jsonl", repository, ...args], { env, cwd: server.folder });
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(problem) });
  expect(stderr).not.toContain("secret");
  expect(hub.calls).toEqual([]);
});

test("a token that the hub does not know", async () => {
  writeFileSync(place("token"), "hf_ofSomebodyElse\n");
  const { code, stderr } = await fail("push-to-hub", "jsonl", repository, "--token-file", "token");
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("The hub refused (401)") });
});

test("a folder that is not what its index says is not pushed", async () => {
  cpSync(place("jsonl"), place("damaged"), { recursive: true });
  const [shard] = Object.keys(digestsBelow(place("damaged"))).filter((path) => path.startsWith("data/"));
  appendFileSync(place(`damaged/${shard}`), "x");
  const damaged = await fail("push-to-hub", "damaged", repository);
  expect(damaged).toMatchObject({ code: 2, stderr: expect.stringContaining("its digest differs") });
  rmSync(place(`damaged/${shard}`));
  expect(await fail("push-to-hub", "damaged", repository)).toMatchObject({ code: 2 });
  mkdirSync(place("empty"));
  const empty = await fail("push-to-hub", "empty", repository);
  expect(empty).toMatchObject({ code: 2, stderr: expect.stringContaining("holds no export") });
  const name = await fail("push-to-hub", "jsonl", "samples");
  expect(name).toMatchObject({ code: 2, stderr: expect.stringContaining("Write it like owner/name") });
  expect(hub.calls).toEqual([]);
});

test("the hub's own library reads the card", async () => {
  const script = `
import sys
from huggingface_hub import DatasetCard
from datasets import Features, DatasetInfo
data = DatasetCard.load(sys.argv[1]).data.to_dict()
info = DatasetInfo._from_yaml_dict(data["dataset_info"])
print(sorted(info.splits), info.features, [file["split"] for file in data["configs"][0]["data_files"]], data["loraloop"]["dataset"])
`;
  const card = place("parquet/README.md");
  const { code, stdout, stderr } = await resultOf(startProgram(python, ["-c", script, card], { env: process.env }));
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stdout.trim()).toBe("['test', 'train'] {'text': Value('string')} ['train', 'test'] documents");
  expect(readFileSync(card, "utf8")).toContain("path: data/train-*-of-");
});
