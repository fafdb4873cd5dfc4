import { existsSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandFile, resultOf, startProgram } from "../support/command.ts";
import { commandLine } from "../support/command-line.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import { tinyAdapter, tinyModel, writeFiles } from "../support/tiny-adapter.ts";

let server: LoraloopProcess;
const { run, runJson, fail, place, writeJson } = commandLine(() => server);

beforeAll(async () => {
  server = await LoraloopProcess.start();
  writeFiles(place("model"), tinyModel());
  await run("base-model", "register", "model", "--name", "tiny/llama");
  writeFiles(place("adapter"), tinyAdapter("tiny/llama"));
  await run("adapter", "register", "legal", "adapter", "--alias", "production");
  const spec = writeJson("version.json", { training: { dataset_name: "rulings" } });
  await run("adapter", "register", "legal", "adapter", "--spec", spec);
});

afterAll(async () => {
  expect(server.errors).toBe("");
  await server[Symbol.asyncDispose]();
});

test("list says which version is the latest, deleted or not, and of a new adapter none", async () => {
  await run("adapter", "put", "new");
  await run("adapter", "register", "tax", "adapter");
  await run("adapter", "delete", "tax@1");
  const table = await run("adapter", "list");
  expect(table).toMatch(/^ADAPTER +LATEST +ALIASES .*\nlegal +2 +production → 1 .*\nnew +- .*\ntax +1 /);
  expect(table).not.toContain("DELETED");
  await run("adapter", "delete", "tax");
  expect(await run("adapter", "list", "--include-deleted")).toMatch(
    /^ADAPTER .* DELETED\n.*\ntax .* \d\d:\d\d:\d\d\n$/s,
  );
  expect(await run("adapter", "show", "new")).toContain("\nlatest    -\n");
});

test.runIf(existsSync("/usr/bin/script") && process.platform === "linux")(
  "a narrow terminal shows names whole, and of times the day",
  async () => {
    await run("adapter", "put", "long-adapter-name", "--description", "what nobody reads to its end, ever");
    const list = `stty cols 60; "${process.execPath}" "${commandFile}" adapter list`;
    const { stdout } = await resultOf(startProgram("script", ["-qec", list, "/dev/null"], { env: server.environment }));
    const lines = stdout.split("\r\n");
    expect(lines.find((line) => line.includes("long-adapter-name"))).toMatch(/long-adapter-name .* \d{4}-\d\d-\d\d\b/);
  },
);

test("diff says nothing of what was not said", async () => {
  const { differences } = await runJson<{ differences: object }>("adapter", "diff", "legal@1", "legal@2");
  expect(differences).toEqual({ data: [{ field: "training.dataset_name", one: null, other: "rulings" }] });
});

test("base-model list has no layers, rather than none", async () => {
  const [listed] = await runJson<object[]>("base-model", "list");
  expect(listed).toMatchObject({ name: "tiny/llama" });
  expect(listed).not.toHaveProperty("layers");
  expect(listed).not.toHaveProperty("configuration_json");
});

test("a filter's help names methods as filters know them", async () => {
  const help = (await run("adapter", "versions", "--help")).replaceAll(/\s+/g, " ");
  expect(help).toContain('states and methods in capitals: version.method == "LORA"');
  const found = await runJson("adapter", "versions", "legal", "--filter", 'version.method == "LORA"');
  expect(found).toMatchObject([{ name: "legal@1" }, { name: "legal@2" }]);
});

test("import says of an entry that its version is deleted", async () => {
  writeFileSync(place("README.md"), "---\nbase_model: tiny/llama\n---\n");
  const command = ["adapter", "import", "README.md", "--format", "model-card", "--adapter", "card"];
  expect(await fail(...command)).toMatchObject({ code: 0, stderr: "" });
  await run("adapter", "delete", "card@1");
  expect(await fail(...command)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/card@1 +deleted/),
    stderr: "card@1 was imported before, and is deleted: adapter restore card@1 brings it back.\n",
  });
});
