import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { loadExporters } from "./exporter-registry.ts";
import { createRenderer } from "./renderer.ts";
import { outcomeText, storedRecord } from "./rendering-fixture.ts";

const alpaca = `export default {
  format: "alpaca",
  parts: [
    { name: "instruction", type: "text", required: true },
    { name: "output", type: "text", required: true },
    { name: "history", type: "any", required: false },
  ],
  sample({ instruction, output, history = [] }) {
    if (instruction === "throw") throw new Error("no such instruction");
    if (instruction === "later") return Promise.resolve();
    if (instruction === "weigh") return { value: { weight: 1 }, output };
    return { value: { instruction, output, history }, output };
  },
};`;

async function pluginsWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "loraloop-plugins-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

test("a file in a folder adds a format that works like the built-in ones", async () => {
  const folder = await pluginsWith({ "alpaca.mjs": alpaca, "README.md": "not a plugin" });
  const exporters = await loadExporters(folder);
  expect(exporters.formats).toEqual([
    "instruction",
    "chat",
    "text",
    "prompt-completion",
    "preference",
    "kto",
    "alpaca",
  ]);
  const spec = { format: "alpaca", quality: { minTextLength: 2 }, weighting: { weightField: "w" } };
  const renderer = createRenderer(DatasetSpec.fromPartial(spec), 0n, exporters, () => "");
  const give = (fields: object) => outcomeText(renderer.render("r", storedRecord(fields)));
  expect(give({ instruction: "i", output: "out", history: [["a", "b"]] })).toBe(
    '{"instruction":"i","output":"out","history":[["a","b"]]}',
  );
  expect(give({ instruction: "i", output: "o" })).toBe("9: Text too short (1 chars)");
  expect(give({ output: "out" })).toBe("1: Missing required field 'instruction'");
  expect(give({ instruction: "throw", output: "out" })).toBe("8: Exporter failed: no such instruction");
  expect(give({ instruction: "later", output: "out" })).toContain("8: Exporter failed: a sample needs an object value");
  expect(give({ instruction: "weigh", output: "out" })).toBe(
    "8: Exporter failed: a sample must not have the key weight",
  );
});

test("a folder with an index file is a plugin", async () => {
  const exporters = await loadExporters(await pluginsWith({ "mine/index.ts": alpaca }));
  expect(exporters.get("alpaca")?.parts).toHaveLength(3);
});

test.for([
  ["export const nothing = 1;", "has no default export that is an exporter"],
  ['export default { format: "A B", parts: [], sample() {} };', "has no valid format name"],
  ['export default { format: "a", parts: [{ name: "x", type: "number" }], sample() {} };', "has no valid parts"],
  ['export default { format: "a", parts: [] };', "has no sample function"],
  ['export default { format: "chat", parts: [], sample() {} };', 'gives the format "chat", which exists'],
] as const)("%s %s", async ([text, problem]) => {
  const folder = await pluginsWith({ "bad.mjs": text });
  await expect(loadExporters(folder)).rejects.toThrow(`Exporter ${join(folder, "bad.mjs")} ${problem}`);
});
