import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand } from "../support/command.ts";
import { commandLine } from "../support/command-line.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import { tinyAdapter, tinyModel, writeFiles } from "../support/tiny-adapter.ts";

let server: LoraloopProcess;
const { run, fail, place } = commandLine(() => server);

beforeAll(async () => {
  server = await LoraloopProcess.start();
  writeFiles(place("model"), tinyModel());
  await run("base-model", "register", "model", "--name", "tiny/llama");
  writeFiles(place("adapter"), tinyAdapter("tiny/llama"));
  await run("adapter", "register", "legal", "adapter");
});

afterAll(async () => {
  expect(server.errors).toBe("");
  await server[Symbol.asyncDispose]();
});

test("a download goes into a folder as shells complete it, one that is there, a link to one, the one of the shell", async () => {
  for (const folder of ["empty", "linked", "here"]) mkdirSync(place(folder));
  symlinkSync("linked", place("link"));
  for (const folder of ["made/", "./empty/", "link"])
    expect(await run("adapter", "download", "legal@1", "-o", folder)).toBe(`${folder}\n`);
  const here = { env: server.environment, cwd: place("here") };
  expect(await runCommand(["adapter", "download", "legal@1", "-o", "."], here)).toMatchObject({
    code: 0,
    stdout: ".\n",
  });
  for (const folder of ["made", "empty", "linked", "here"])
    expect(await run("adapter", "verify", "legal@1", "--folder", folder)).toContain("holds the files of legal@1");
});

test("verify tells of everything that is in a folder, and exits with 1", async () => {
  const folder = writeFiles(place("other"), tinyAdapter("tiny/llama"));
  writeFileSync(join(folder, "training_args.bin"), "");
  symlinkSync("/etc", join(folder, "etc"));
  expect(await fail("adapter", "verify", "legal@1", "--folder", "other")).toMatchObject({
    code: 1,
    stdout:
      "etc was not registered.\ntraining_args.bin was not registered.\nother does not hold the files of legal@1.\n",
    stderr: "",
  });
  mkdirSync(place("nothing"));
  const empty = await fail("--json", "adapter", "verify", "legal@1", "--folder", "nothing");
  const missing = tinyAdapter("").map(({ path }) => ({ path, problem: "missing", actual: "" }));
  expect(empty).toMatchObject({ code: 1, stderr: "" });
  expect(JSON.parse(empty.stdout)).toMatchObject({ version: "legal@1", differences: missing });
  mkdirSync(place("links"));
  for (const { path } of tinyAdapter("")) symlinkSync(join(place("adapter"), path), join(place("links"), path));
  expect(await fail("adapter", "verify", "legal@1", "--folder", "links")).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("adapter_config.json is changed: it is a link, or no file; registered is "),
  });
});

test.for<[string[], string]>([
  [["adapter", "register", "x", "adapter/adapter_config.json"], "adapter/adapter_config.json is no folder."],
  [["adapter", "download", "legal@1", "-o", "model/config.json"], "model/config.json is no folder."],
  [
    ["adapter", "download", "legal@1", "-o", "model"],
    "model holds other files: name a folder that is empty or not there.",
  ],
  [["adapter", "verify", "legal@1", "--folder", "model/config.json"], "model/config.json is no folder."],
  [["base-model", "register", "model/config.json", "--name", "x"], "model/config.json is no folder."],
  [
    ["adapter", "download", "legal@1", "-o", "model/config.json/x"],
    "model/config.json/x cannot exist: a part of this path is no folder.",
  ],
])("a path that is not what it should be is wrong input: %j", async ([args, problem]) => {
  const before = readdirSync(place("."), { recursive: true }).length;
  expect(await fail(...args)).toMatchObject({ code: 2, stdout: "", stderr: `loraloop: ${problem}\n` });
  expect(readdirSync(place("."), { recursive: true }).length).toBe(before);
});
