import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { commandLine } from "../support/command-line.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import { tinyAdapter, tinyModel, writeFiles } from "../support/tiny-adapter.ts";

const base = "tiny/llama";

let server: LoraloopProcess;
let models: string;
const { run, fail, place } = commandLine(() => server);

beforeAll(async () => {
  server = await LoraloopProcess.start(async ({ folder }) => {
    models = join(folder, "models");
    mkdirSync(models);
    vi.stubEnv("LORALOOP_REGISTRY_ARTIFACT_ROOTS", JSON.stringify([models]));
  });
  writeFiles(place("model"), tinyModel());
  await run("base-model", "register", "model", "--name", base);
  for (const [name, fill] of [
    ["tax", 0.1],
    ["labor", 0.2],
  ] as const) {
    writeFiles(place(name), tinyAdapter(base, { fill }));
    await run("adapter", "register", name, name, "--domain", "law", "--alias", "production");
  }
  await run("adapter", "register", "tax", "labor", "--domain", "law", "--label", "second");
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
});

test("versions go out as a tree with its adapter_registry.json, and come back from it", async () => {
  const folders = ["tax@production", "tax@2"];
  const printed = ["lora-r2-v1", "lora-r2-v2"].map((name) => join(models, "adapters/law", name));
  expect(await run("adapter", "download", ...folders, "--layout", models)).toBe(`${printed.join("\n")}\n`);
  expect(readdirSync(models)).toEqual(["adapters"]);
  for (const { path, bytes } of tinyAdapter(base, { fill: 0.1 }))
    expect(readFileSync(join(models, "adapters/law/lora-r2-v1", path)).equals(bytes)).toBe(true);
  // What is there already stays.
  expect(await run("adapter", "download", ...folders, "--layout", models)).toBe(`${printed.join("\n")}\n`);

  const written = ["--format", "adapter-registry", "--path-template", "{layout}", "-o", "adapter_registry.json"];
  await run("adapter", "render", ...folders, ...written);
  const from = ["--format", "adapter-registry", "--base-uri", pathToFileURL(models).href];
  expect(await run("adapter", "import", "adapter_registry.json", ...from)).toMatch(/tax@3.*tax@4/s);
  expect(await run("adapter", "verify", "tax@3")).toBe("tax@3 is ready; its files are right.\n");
  expect(await run("adapter", "verify", "tax@4")).toBe("tax@4 is ready; its files are right.\n");
});

test("two versions of one folder are refused before any is fetched; an output is one version's", async () => {
  const refused = await fail("adapter", "download", "tax@1", "labor@1", "--layout", "tree");
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("adapters/law/lora-r2-v1") });
  expect(readdirSync(place("."))).not.toContain("tree");
  expect(await fail("adapter", "download", "tax@1", "labor@1", "-o", "copy")).toMatchObject({
    code: 2,
    stderr: "loraloop: --output is a folder of one version, not of 2: use --layout.\n",
  });
  expect(await fail("adapter", "download", "tax@1", "-o", "copy", "--layout", "tree")).toMatchObject({ code: 2 });
});
