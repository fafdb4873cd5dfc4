import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client } from "../../clients/typescript/src/index.ts";
import { python, resultOf, root, runCommand, startProgram } from "../support/command.ts";
import { commandLine } from "../support/command-line.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import { type TinyFile, tinyAdapter, tinyModel, writeFiles } from "../support/tiny-adapter.ts";

const base = "tiny/llama";

let server: LoraloopProcess;
let client: Client;
const { start, run, runJson, fail, place, writeJson, writeLines } = commandLine(() => server);

beforeAll(async () => {
  server = await LoraloopProcess.start();
  client = new Client({ address: server.address, token: await server.token() });
  writeFiles(place("model"), tinyModel());
  expect(await run("base-model", "register", "model", "--name", base, "--other-name", "/models/tiny")).toBe(
    "tiny/llama@main is registered, with 4 layers and no vocabulary.\n",
  );
  for (const [name, fill] of [
    ["one", 0.1],
    ["two", 0.2],
  ] as const)
    writeFiles(place(name), tinyAdapter(base, { fill }));
  writeFiles(place("wide"), tinyAdapter(base, { rank: 4, fill: 0.3 }));
  writeJson("version.json", {
    quantization: { library: "bitsandbytes", format: "nf4", bits: 4, double_quantization: true },
    training: { dataset_name: "rulings", sample_count: 1200, epochs: 2, configuration: { optimizer: "adamw" } },
    constraint: { pattern: "(yes|no)" },
    serving_hints: { max_tokens: 512 },
  });
  const said = [
    "--label",
    "1.0.0",
    "--domain",
    "legal",
    "--domain",
    "tax",
    "--language",
    "de",
    "--metric",
    "eval_loss=1.5",
  ];
  await run("adapter", "register", "legal", "one", ...said, "--alias", "production");
  await run(
    "adapter",
    "register",
    "legal",
    "wide",
    "--parent",
    "legal@1",
    "--metric",
    "eval_loss=1.25",
    "--spec",
    "version.json",
  );
});

afterAll(async () => {
  client.close();
  expect(server.errors).toBe("");
  await server[Symbol.asyncDispose]();
});

test("base-model: list, show, delete", async () => {
  expect(await run("base-model", "list")).toMatch(
    /^BASE MODEL +REVISION +ARCHITECTURE.*\ntiny\/llama +main +LlamaForCausalLM/,
  );
  expect(await run("base-model", "show", base)).toMatch(/model\.layers\.0\.self_attn\.q_proj +linear +8 +8\n/);
  const none = { matrix_count: 0, parameter_place: 0, only_in_files: false };
  const head = { name: "lm_head", kind: "LINEAR", input_features: 8, output_features: 16, ...none };
  const shown = await runJson("base-model", "show", "/models/tiny");
  expect(shown).toMatchObject({ layers: expect.arrayContaining([head]) });
  expect((await fail("base-model", "delete", base)).stderr).toContain("[BASE_MODEL_IN_USE]");
  await run("base-model", "register", "model", "--name", `${base}@other`);
  expect(await run("base-model", "delete", `${base}@other`)).toBe("Base model tiny/llama@other is deleted.\n");
});

test("list, versions, show", async () => {
  expect(await run("adapter", "list")).toMatch(/^ADAPTER +LATEST +ALIASES.*\nlegal +2 +production → 1/);
  expect(await run("adapter", "versions", "legal")).toMatch(
    /legal@1 +ready +1\.0\.0 +tiny\/llama@main +lora r2 +legal, tax +eval_loss 1\.5/,
  );
  const filtered = await runJson("adapter", "versions", "--filter", "version.peft.maximum_rank > 2");
  expect(filtered).toMatchObject([{ name: "legal@2", state: "READY", method: "QLORA" }]);
  const shown = await run("adapter", "show", "legal@production");
  expect(shown).toMatch(
    /^version +legal@1 {2}\(1\.0\.0\)\nstate +ready\nbase model +tiny\/llama@main, weights [0-9a-f]{12}/,
  );
  expect(shown).toMatch(/adapter_model\.safetensors +\d+ +[0-9a-f]{64}\n/);
  expect(await run("adapter", "show", "legal@2")).toMatch(/quantized +bitsandbytes, nf4, 4 bits, double\n/);
  expect(await runJson("adapter", "show", "legal")).toMatchObject({
    latest_version: 2,
    aliases: [{ alias: "production", version: 1 }],
  });
});

test("put: what an adapter is for, what is known of a version", async () => {
  expect(await run("adapter", "put", "empty", "--description", "nothing yet", "--metadata", "team=x")).toBe(
    "Adapter empty is made.\n",
  );
  expect(await run("adapter", "put", "empty", "--metadata", "team=y")).toBe("Adapter empty is changed.\n");
  expect(await runJson("adapter", "show", "empty")).toMatchObject({
    description: "nothing yet",
    metadata: { team: "y" },
  });
  await run("adapter", "put", "legal@1", "--metadata", "reviewedBy=anna");
  expect(await runJson("adapter", "show", "legal@1")).toMatchObject({ metadata: { reviewedBy: "anna" } });
});

test("diff says only what differs", async () => {
  const { differences } = await runJson<{
    differences: Record<string, { field: string; one: string | null; other: string | null }[]>;
  }>("adapter", "diff", "legal@1", "legal@2");
  expect(Object.keys(differences)).toEqual(["configuration", "metrics", "data", "files"]);
  expect(differences["configuration"]).toContainEqual({ field: "peft.r", one: "2", other: "4" });
  expect(differences["configuration"]?.map(({ field }) => field)).not.toContain("peft.target_modules");
  expect(differences["metrics"]).toEqual([{ field: "eval_loss", one: "1.5", other: "1.25" }]);
  expect(differences["data"]).toContainEqual({ field: "parent", one: null, other: "legal@1" });
  expect(await run("adapter", "diff", "legal@1", "legal@2")).toMatch(/^CONFIGURATION +legal@1 +legal@2\n/);
  expect(await run("adapter", "diff", "legal@1", "legal@production")).toBe("legal@1 and legal@1 do not differ.\n");
});

test("alias, resolve, history", async () => {
  expect(await run("adapter", "alias", "legal@canary", "2", "--reason", "looks\ngood\u001b[2J")).toBe(
    "legal@canary points at 2.\n",
  );
  expect(await run("adapter", "resolve", "legal@canary", "--engine", "vllm")).toBe("legal@2\n");
  const stale = await fail("adapter", "alias", "legal@canary", "1", "--expect", "0");
  expect(stale).toMatchObject({ code: 1, stderr: expect.stringContaining("[ALIAS_CONFLICT]") });
  expect(await run("adapter", "alias", "legal@canary", "legal@1")).toBe("legal@canary points at 1, before at 2.\n");
  expect(await run("adapter", "alias", "legal@canary", "--remove")).toBe("legal@canary is removed; it pointed at 1.\n");
  const moves = await runJson<{ from_version: number; to_version: number; reason: string }[]>(
    "adapter",
    "history",
    "legal@canary",
  );
  expect(moves.map(({ from_version, to_version, reason }) => [from_version, to_version, reason])).toEqual([
    [1, 0, ""],
    [2, 1, ""],
    [0, 2, "looks\ngood\u001b[2J"],
  ]);
  const table = await run("adapter", "history", "legal");
  expect(table).toMatch(/^TIME +ALIAS +FROM +TO +BY +REVISION +WHY\n/);
  // What somebody wrote moves no cursor and ends no line.
  expect(table).toMatch(/ looks good \[2J\n/);
});

test("metrics: add, list", async () => {
  await run("adapter", "metrics", "legal@1", "--report", "accuracy=0.5", "--step", "10", "--source", "golden");
  await run("adapter", "metrics", "legal@1", "--report", "accuracy=0.75", "--step", "20", "--source", "golden");
  expect(await run("adapter", "metrics", "legal@1", "--metric", "accuracy")).toMatch(
    /accuracy +0\.5 .* 10 +golden\naccuracy +0\.75 .* 20 +golden\n$/,
  );
});

test("quarantine, release, delete, restore", async () => {
  await run("adapter", "register", "gone", "two");
  expect(await run("adapter", "quarantine", "gone@1", "--reason", "rude")).toContain("gone@1 is in quarantine");
  const refused = await fail("adapter", "resolve", "gone@1");
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/rude.*\[VERSION_NOT_SERVABLE\]/) });
  expect(await run("adapter", "release", "gone@1")).toBe("gone@1 is ready.\n");
  await run("adapter", "delete", "gone@1");
  expect(await runJson("adapter", "versions", "gone")).toEqual([]);
  expect(await runJson("adapter", "versions", "gone", "--include-deleted")).toMatchObject([
    { name: "gone@1", state: "DELETED" },
  ]);
  expect(await run("adapter", "restore", "gone@1")).toBe("gone@1 is ready again.\n");
  await run("adapter", "delete", "gone");
  expect((await fail("adapter", "versions", "gone")).stdout).not.toContain("gone@1");
  expect(await run("adapter", "restore", "gone")).toBe("gone is back.\n");
  expect((await fail("adapter", "delete", "legal")).stderr).toContain("[ADAPTER_IN_USE]");
});

test("download and verify, there and here", async () => {
  expect(await run("adapter", "download", "legal@production", "-o", "copy")).toBe("copy\n");
  for (const { path, bytes } of tinyAdapter(base, { fill: 0.1 }))
    expect(readFileSync(place(`copy/${path}`)).equals(bytes)).toBe(true);
  expect(await run("adapter", "verify", "legal@1")).toBe("legal@1 is ready; its files are right.\n");
  expect(await run("adapter", "verify", "legal@1", "--folder", "copy")).toBe("copy holds the files of legal@1.\n");
  writeFileSync(place("copy/adapter_config.json"), "{}");
  expect(await fail("adapter", "verify", "legal@1", "--folder", "copy")).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^adapter_config\.json is changed: .*\ncopy does not hold the files of legal@1\.\n$/),
  });
  const among = await fail("adapter", "download", "legal@2", "-o", "copy");
  expect(among).toMatchObject({
    code: 2,
    stderr: "loraloop: copy holds other files: name a folder that is empty or not there.\n",
  });
});

test("the cache of downloads is made by digest, once, also by processes that ask at once", async () => {
  const { folder, digest } = await runJson<{ folder: string; digest: string }>("adapter", "download", "legal@2");
  expect(folder.endsWith(`/loraloop/adapters/${digest}`)).toBe(true);
  expect(existsSync(folder)).toBe(true);
  writeFileSync(join(folder, "adapter_model.safetensors"), "damaged");
  const printed = await Promise.all([1, 2, 3].map(() => run("adapter", "download", "legal@2")));
  expect(new Set(printed)).toEqual(new Set([`${folder}\n`]));
  expect(await run("adapter", "verify", "legal@2", "--folder", folder)).toContain("holds the files of legal@2");
  expect(readdirSync(dirname(folder))).toEqual([digest]);
});

test("from a run: lineage as a tree down to records and subjects, and back from them", async () => {
  const records = ["a", "b"].map((id) => ({ id, text: `text ${id}`, who: `person-${id}` }));
  await run("ingest", "notes", writeLines("notes.jsonl", records), "--subject-field", "who");
  writeJson("notes.json", { collection: "notes", format: "text" });
  await run("dataset", "put", "notes", "notes.json");
  const { key } = await runJson<{ key: string }>("snapshot", "build", "notes");
  await using training = await client.runs.open({ snapshot: key }, { run: "training-1" });
  await training.close();
  await run("adapter", "register", "notes", "two", "--run", "training-1", "--parent", "legal@2");
  const lines = (await run("adapter", "lineage", "notes@1")).split("\n");
  expect(lines[0]).toBe("notes@1  ready");
  expect(lines[1]).toBe("├─ base model tiny/llama@main");
  expect(lines[2]).toMatch(/^├─ run training-1 {2}succeeded/);
  expect(lines[3]).toMatch(
    new RegExp(`^├─ snapshot ${key.slice(0, 12)} {2}notes@1 of "notes", 2 samples at revision \\d+$`),
  );
  expect(lines.slice(4, 6)).toEqual(["│  ├─ record a  of person-a", "│  └─ record b  of person-b"]);
  expect(lines.slice(6, 8)).toEqual(["└─ parent legal@2  ready", "   └─ parent legal@1  ready"]);
  for (const origin of [
    ["--record", "notes/a"],
    ["--subject", "person-b"],
    ["--snapshot", key],
    ["--snapshot", key.slice(0, 12)],
    ["--run", "training-1"],
  ])
    expect(await runJson("adapter", "find", ...origin)).toMatchObject([{ name: "notes@1" }]);
  expect(await runJson("adapter", "find", "--subject", "person-c")).toEqual([]);
  expect(await runJson("adapter", "find", "--parent", "legal@1")).toMatchObject([{ name: "legal@2" }]);
  const diff = await run("adapter", "diff", "legal@2", "notes@1");
  expect(diff).toMatch(/trained on notes +- +version 1, 2 samples at revision/);
});

test("what was trained on from a version is found with it, and says so", async () => {
  await run("adapter", "register", "later", "one", "--parent", "notes@1");
  await run("adapter", "register", "later", "two", "--parent", "later@1");
  const lines = (await run("adapter", "find", "--subject", "person-b")).split("\n");
  expect(lines[1]).toMatch(/^notes@1 +ready +/);
  expect(lines[2]).toMatch(/^later@1 +ready, inherited from notes@1 /);
  expect(lines[3]).toMatch(/^later@2 +ready, inherited from notes@1 /);
  expect(await runJson("adapter", "find", "--record", "notes/a")).toMatchObject([
    { name: "notes@1", inherited_from: "" },
    { name: "later@1", inherited_from: "notes@1" },
    { name: "later@2", inherited_from: "notes@1" },
  ]);
});

test("what was deleted since is marked", async () => {
  await client.corpus.deleteRecords({ collection: "notes", ids: ["a"] });
  await expect
    .poll(() => run("adapter", "lineage", "notes@1"), { timeout: 60_000, interval: 500 })
    .toContain("record a  of person-a  deleted");
  await expect
    .poll(() => run("adapter", "show", "later@2"), { timeout: 60_000, interval: 500 })
    .toMatch(/deleted +1 of the records that its ancestors were trained on, from /);
  expect(await run("adapter", "versions", "later")).toContain("ready, 1 of its ancestors' deleted since");
});

test("sign and policy", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  writeFileSync(place("key.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
  writeFileSync(place("key.pub"), publicKey.export({ type: "spki", format: "pem" }));
  expect(await run("adapter", "policy")).toBe("Signatures are not required.\n");
  const { trusted_keys } = await runJson<{ trusted_keys: { key_id: string }[] }>(
    "adapter",
    "policy",
    "--required",
    "--trust",
    "key.pub",
    "--description",
    "us",
  );
  expect(await fail("adapter", "register", "signed", "one")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("[SIGNATURE_REQUIRED]"),
  });
  await run("adapter", "register", "signed", "one", "--key", "key.pem");
  expect((await fail("adapter", "resolve", "legal@2")).stderr).toContain("[SIGNATURE_REQUIRED]");
  expect(await run("adapter", "sign", "legal@2", "--key", "key.pem")).toBe(
    `legal@2 is signed by ${trusted_keys[0]?.key_id}.\n`,
  );
  expect(await run("adapter", "resolve", "legal@2")).toBe("legal@2\n");
  const again = await runJson("adapter", "policy", "--trust", "key.pub");
  expect(again).toMatchObject({ required: true, trusted_keys });
  await run("adapter", "policy", "--no-required", "--distrust", trusted_keys[0]?.key_id ?? "");
  expect(await run("adapter", "show", "legal@2")).toContain("which is not trusted");
});

test("render and import", async () => {
  const configuration = await run("adapter", "render", "legal@1", "--format", "peft-configuration");
  expect(configuration).toBe(readFileSync(place("one/adapter_config.json"), "utf8"));
  const args = await run(
    "adapter",
    "render",
    "legal@1",
    "legal@2",
    "--format",
    "vllm-arguments",
    "--path-template",
    "/models/{name}",
  );
  expect(args).toMatch(/--enable-lora\n/);
  expect(args).toMatch(/--max-lora-rank[ =\n]8\n/);
  expect(
    await fail("adapter", "render", "legal@1", "--format", "adapter-registry", "-o", "adapter_registry.json"),
  ).toMatchObject({ code: 0, stdout: "", stderr: "adapter_registry.json is written.\n" });
  expect(JSON.parse(readFileSync(place("adapter_registry.json"), "utf8"))).toMatchObject([{ method: "lora", rank: 2 }]);
  const entry = {
    id: "steuerrecht-lora-r16-v1",
    domain: ["steuerrecht"],
    method: "lora",
    rank: 16,
    base_model_hash: "abc123",
    metrics: { ppl_dev: 7.1 },
  };
  writeJson("large.json", [{ ...entry, note: "x".repeat(20 * 1024 * 1024) }]);
  expect(await fail("adapter", "import", "large.json", "--format", "adapter-registry")).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^loraloop: large\.json has \d+ bytes \(21\.0 MB\).*4194304.*\(import_bytes\)\.\n$/),
  });
  writeJson("foreign.json", [entry]);
  const validated = await fail("adapter", "import", "foreign.json", "--format", "adapter-registry", "--validate-only");
  expect(validated).toMatchObject({ code: 0, stderr: "Nothing was kept.\n" });
  expect(await runJson("adapter", "import", "foreign.json", "--format", "adapter-registry")).toMatchObject([
    { state: "DECLARED", declared: { base_model_hash: "abc123" } },
  ]);
});

test("watch prints every change as it comes, from any revision on", async () => {
  const { revision } = await client.registry.adapters.listAdapters({ pageSize: 1 });
  await run("adapter", "put", "watched", "--description", "before");
  const child = start("--json", "adapter", "watch", "--after", String(revision));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value as string) as unknown;
  expect(await next()).toMatchObject({ adapter: { name: "watched", description: "before" } });
  await run("adapter", "register", "watched", "two", "--alias", "live");
  const changes = [await next(), await next(), await next()];
  expect(changes).toContainEqual(
    expect.objectContaining({ version: expect.objectContaining({ name: "watched@1", state: "READY" }) }),
  );
  expect(changes).toContainEqual(
    expect.objectContaining({ alias_move: expect.objectContaining({ alias: "live", to_version: 1 }) }),
  );
  const ended = once(child, "exit");
  child.kill("SIGINT");
  expect((await ended)[0]).toBe(130);
});

/** The tiny adapter with one file replaced, or added. */
function spoiled(name: string, ...files: readonly TinyFile[]): string {
  writeFiles(place(name), [...tinyAdapter(base), ...files]);
  return name;
}

test("spoiled adapters are refused by name, and nothing is made of them", async () => {
  const bytes = Buffer.from("{}");
  const pickle = await fail("adapter", "register", "bad", spoiled("pickle", { path: "adapter_model.bin", bytes }));
  expect(pickle).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining("pickle/adapter_model.bin is a pickle"),
  });
  const empty = await fail("adapter", "register", "bad", spoiled("empty", { path: "adapter_config.json", bytes }));
  expect(empty).toMatchObject({ code: 1, stderr: expect.stringContaining("[ADAPTER_CONFIGURATION_INVALID]") });
  const cut = tinyAdapter(base)[1]?.bytes.subarray(0, 200) ?? bytes;
  const header = await fail(
    "--json",
    "adapter",
    "register",
    "bad",
    spoiled("cut", { path: "adapter_model.safetensors", bytes: cut }),
  );
  expect(JSON.parse(header.stderr)).toMatchObject({ error: { reason: "ADAPTER_HEADER_INVALID", exit_code: 1 } });
  expect((await fail("adapter", "show", "bad")).stderr).toContain("[ADAPTER_NOT_FOUND]");
});

test("models of transformers and adapters of PEFT, of several architectures, register and come back byte for byte", async () => {
  const script = join(root, "test/e2e/make_peft_adapters.py");
  const made = await resultOf(
    startProgram(python, [script, place("peft")], { env: { ...process.env, HF_HUB_OFFLINE: "1" } }),
  );
  expect(made).toMatchObject({ code: 0 });
  for (const name of ["llama", "qwen2", "gpt2", "gpt_neox", "opt"]) {
    const folder = place(join("peft", name));
    await run("base-model", "register", folder, "--name", name, "--other-name", folder);
    const adapter = name.replace("_", "-");
    await run("adapter", "register", adapter, `${folder}-adapter`, "--domain", "tests");
    await run("adapter", "download", `${adapter}@1`, "-o", `${folder}-copy`);
    for (const file of readdirSync(`${folder}-adapter`))
      expect(readFileSync(join(`${folder}-copy`, file)).equals(readFileSync(join(`${folder}-adapter`, file)))).toBe(
        true,
      );
  }
  const methods = await runJson<{ name: string; method: string }[]>(
    "adapter",
    "versions",
    "--filter",
    '"tests" in version.domains',
  );
  expect(methods.map(({ name, method }) => `${name} ${method}`)).toEqual([
    ...["gpt-neox@1 DORA", "gpt2@1 LORA", "llama@1 LORA", "opt@1 LORA", "qwen2@1 LORA"],
  ]);
  expect(await run("adapter", "show", "llama@1")).toMatch(/shape +rank 4 \(at most 8\), alpha 8/);
  const dora = await fail("adapter", "resolve", "gpt-neox@1", "--engine", "vllm");
  expect(dora).toMatchObject({ code: 1, stderr: expect.stringMatching(/DoRA.*\[VERSION_NOT_SERVABLE\]/) });
});

test("a registry elsewhere is named by the environment", async () => {
  const env = { ...server.environment, LORALOOP_REGISTRY_ADDRESS: "127.0.0.1:1" };
  expect(await runCommand(["adapter", "list"], { env })).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/127\.0\.0\.1:1 cannot be reached.*LORALOOP_REGISTRY_ADDRESS/),
  });
  expect(await runCommand(["dataset", "list"], { env })).toMatchObject({ code: 0 });
});

test.for<[string[], number, string]>([
  [["adapter", "register", "x", "nowhere"], 2, "nowhere"],
  [["adapter", "register", "x", "one", "--metric", "loss"], 2, "--metric takes name=value, not loss."],
  [["adapter", "register", "x", "one", "--metric", "loss=low"], 2, "--metric takes a number for loss, not low."],
  [["adapter", "register", "x", "one", "--spec", "notes.json"], 2, "collection: unknown key"],
  [["adapter", "register", "x", "one", "--base-model", "nothing"], 1, "[BASE_MODEL_NOT_FOUND]"],
  [["adapter", "register", "x", "file:///one", "--key", "key.pem"], 1, "can be signed afterwards, with sign."],
  [["adapter", "alias", "legal", "1"], 2, "names no alias"],
  [["adapter", "alias", "legal@live"], 2, "Give either a version or --remove."],
  [["adapter", "alias", "legal@live", "other@1"], 2, "is no version of legal"],
  [["adapter", "find"], 2, "Give one of --record"],
  [["adapter", "find", "--record", "a"], 2, "--record is no record: a"],
  [["adapter", "resolve", "legal@nothing"], 1, "[ALIAS_NOT_FOUND]"],
  [["adapter", "show", "legal@99"], 1, "[VERSION_NOT_FOUND]"],
  [["adapter", "lineage", "legal@1", "--records", "x"], 2, "--records is not a number: x"],
  [["adapter", "watch", "--after", "x"], 2, "--after is not a number: x"],
  [["adapter", "render", "legal@1", "--format", "xml"], 2, "Allowed choices are"],
  [["adapter", "sign", "legal@1", "--key", "version.json"], 1, "private key"],
  [["adapter", "versions", "--filter", "version."], 1, "[FILTER_INVALID]"],
  [["adapter", "versions", "--filter", "version.baseModel == 'x'"], 1, '"version.base_model" does'],
  [["base-model", "register", ".", "--name", "x"], 2, "holds no *.safetensors"],
])("%j ends with %i: %s", async ([args, code, problem]) => {
  const result = await fail(...args);
  expect(result).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(problem) });
  expect(result.stderr).not.toMatch(/\n {4}at /);
});
