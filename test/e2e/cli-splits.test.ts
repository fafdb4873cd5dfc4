import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDocuments } from "../data/documents.ts";
import { commandLine } from "../support/command-line.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";

let server: LoraloopProcess;
const { run, runJson, fail, writeJson, writeLines } = commandLine(() => server);

beforeAll(async () => {
  server = await LoraloopProcess.start();
  await run("ingest", "documents", writeLines("documents.jsonl", makeDocuments(100)));
  const parts = [
    { name: "train", percent: 80 },
    { name: "validation", percent: 20 },
  ];
  writeJson("dataset.json", { collection: "documents", format: "text", splits: { parts } });
  await run("dataset", "put", "documents", "dataset.json");
});

afterAll(async () => {
  expect(server.errors).toBe("");
  await server[Symbol.asyncDispose]();
});

const linesOf = (output: string) => output.split("\n").slice(0, -1);

test("stream, preview and snapshot build take --split", async () => {
  const whole = linesOf(await run("stream", "documents"));
  const train = linesOf(await run("stream", "documents", "--split", "train"));
  const validation = linesOf(await run("stream", "--spec", "dataset.json", "--split", "validation"));
  expect([...train, ...validation].toSorted()).toEqual(whole.toSorted());
  expect(Math.min(train.length, validation.length)).toBeGreaterThan(0);
  const { samples } = await runJson<{ samples: { line: string }[] }>("preview", "documents", "--split", "validation");
  expect(samples.map(({ line }) => line)).toEqual(validation.slice(0, 5));
  const { key } = await runJson<{ key: string }>("snapshot", "build", "documents", "--split", "train");
  expect(linesOf(await run("stream", key.slice(0, 8)))).toEqual(train);
  expect(await run("snapshot", "show", key)).toContain("dataset   documents@1, split train");
});

test("what is wrong with a split is said", async () => {
  expect(await fail("stream", "documents", "--split", "test")).toMatchObject({
    code: 1,
    stderr: 'loraloop: source.split is "test"; expected one of train, validation. [FIELD_INVALID]\n',
  });
  writeJson("bad.json", {
    collection: "documents",
    format: "text",
    splits: { parts: [{ name: "train", percent: 80 }] },
  });
  expect(await fail("dataset", "put", "bad", "bad.json")).toMatchObject({
    code: 1,
    stderr: "loraloop: splits.parts have 80 percent together; expected 100. [DATASET_INVALID]\n",
  });
});

test("what dataset get prints of splits can be put again", async () => {
  const { spec } = await runJson<{ spec: object }>("dataset", "get", "documents");
  writeJson("again.json", spec);
  expect(await runJson("dataset", "put", "documents", "again.json")).toMatchObject({ version: 1, spec });
});
