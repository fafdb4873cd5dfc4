import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandFile, resultOf, runCommand, startProgram } from "../support/command.ts";
import { commandLine } from "../support/command-line.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import { type TinyFile, tinyAdapter, tinyModel, writeFiles } from "../support/tiny-adapter.ts";

let server: LoraloopProcess;
const { run, runJson, fail, place } = commandLine(() => server);

beforeAll(async () => {
  server = await LoraloopProcess.start();
  writeFiles(place("model"), tinyModel());
  await run("base-model", "register", "model", "--name", "tiny/llama");
  writeFiles(place("adapter"), tinyAdapter("tiny/llama"));
});

afterAll(async () => {
  expect(server.errors).toBe("");
  await server[Symbol.asyncDispose]();
});

test("what somebody wrote moves no cursor in an error, and says itself once", async () => {
  await run("adapter", "register", "tricky", "adapter");
  await run("adapter", "quarantine", "tricky@1", "--reason", "a\nb\u001b]0;x\u0007 \u202egnp.");
  const refused = await fail("adapter", "resolve", "tricky@1");
  expect(refused.stderr).toBe(
    'loraloop: Version "tricky@1" may not be served: it is quarantined: a b ]0;x   gnp. [VERSION_NOT_SERVABLE]\n',
  );
  const told = await fail("--json", "adapter", "resolve", "tricky@1");
  expect(told.stderr).toMatch(/^[ -~]+\n$/);
  expect(JSON.parse(told.stderr)).toMatchObject({
    error: { metadata: { problem: "it is quarantined: a\nb\u001b]0;x\u0007 \u202egnp" } },
  });
  await run("adapter", "delete", "tricky@1");
  expect((await fail("adapter", "resolve", "tricky@1")).stderr).toContain(
    "is deleted; `adapter restore` brings it back",
  );
});

test.runIf(existsSync("/usr/bin/script") && process.platform === "linux")(
  "what somebody wrote moves no cursor in a document on a terminal; a program gets it as it is",
  async () => {
    await run("adapter", "register", "painted", "adapter", "--task", "a\u001b[2Jb");
    const command = ["adapter", "render", "painted@1", "--format", "model-card"];
    expect(await run(...command)).toContain("a\\e[2Jb");
    const line = [process.execPath, commandFile, ...command].map((word) => `"${word}"`).join(" ");
    const { stdout } = await resultOf(startProgram("script", ["-qec", line, "/dev/null"], { env: server.environment }));
    expect(stdout).toContain("# painted@1");
    expect(stdout.replaceAll(/[\r\n]/g, "")).toMatch(/^[ -~]+$/);
  },
);

test("base-model: the vocabulary of its tokenizer is shown, and that of an adapter's is compared with it", async () => {
  const tokenizer = (vocab: object): TinyFile => ({
    path: "tokenizer.json",
    bytes: Buffer.from(JSON.stringify({ model: { type: "WordLevel", vocab } })),
  });
  const digest = createHash("sha256").update("0 3 der\n1 3 die\n").digest("hex");
  writeFiles(place("tokenized"), [...tinyModel(), tokenizer({ die: 1, der: 0 })]);
  expect(await run("base-model", "register", "tokenized", "--name", "tokenized")).toBe(
    "tokenized@main is registered, with 4 layers and the vocabulary of its tokenizer.json.\n",
  );
  expect(await run("base-model", "show", "tokenized")).toContain(`\nvocabulary    ${digest}\n`);
  expect(await runJson("base-model", "show", "tokenized")).toMatchObject({ vocabulary_digest: digest });
  writeFiles(place("reversed"), [...tinyAdapter("tokenized"), tokenizer({ die: 0, der: 1 })]);
  expect((await fail("adapter", "register", "reversed", "reversed")).stderr).toContain("[TOKENIZER_MISMATCH]");
});

test("columns are as wide as a terminal shows them", async () => {
  await run("adapter", "put", "wide", "--description", "法律の判例");
  const lines = (await run("adapter", "list")).split("\n");
  const [head = "", row = ""] = [lines[0], lines.find((line) => line.startsWith("wide "))];
  // Each of the five characters takes two columns.
  expect(row.search(/\d{4}-\d{2}-\d{2} /)).toBe(head.indexOf("CHANGED") - 5);
});

test("a token that can be none is refused, and no secret printed", async () => {
  const token = await server.token();
  const env = { ...server.environment, LORALOOP_ADDRESS: server.address };
  expect(await runCommand(["adapter", "list"], { env: { ...env, LORALOOP_TOKEN: `${token}\r` } })).toMatchObject({
    code: 0,
  });
  for (const json of [[], ["--json"]]) {
    const quoted = { ...env, LORALOOP_TOKEN: `“${token}”` };
    const { code, stdout, stderr } = await runCommand([...json, "adapter", "list"], { env: quoted });
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain(`LORALOOP_TOKEN holds no token (${token.slice(0, 16)}…)`);
    expect(stderr).not.toContain(token.slice(16));
  }
});

test("a token without export.read sees a lineage without records, and is told what it lacks", async () => {
  const { secret } = JSON.parse(await run("--json", "token", "create", "--scope", "registry.read"));
  const env = { ...server.environment, LORALOOP_ADDRESS: server.address, LORALOOP_TOKEN: secret };
  const refused = await runCommand(["adapter", "lineage", "tricky@1"], { env });
  expect(refused).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("export.read") });
  expect(refused.stderr).toContain("[SCOPE_MISSING]");
  const { code, stdout } = await runCommand(["adapter", "lineage", "tricky@1", "--records", "0"], { env });
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("tricky@1") });
});

test("an alias that never was has no history", async () => {
  expect(await fail("adapter", "history", "tricky@nope")).toMatchObject({
    code: 1,
    stdout: "",
    stderr: "loraloop: tricky never had an alias nope.\n",
  });
});

test.runIf(existsSync("/dev/full"))("what cannot be printed is an error", async () => {
  const command = `"${process.execPath}" "${commandFile}" adapter list >/dev/full`;
  expect(await resultOf(startProgram("sh", ["-c", command], { env: server.environment }))).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^loraloop: What was printed could not be written: .*no space left.*\n$/),
  });
});
