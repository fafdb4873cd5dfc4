import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { resultOf, root, startProgram } from "../support/command.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";

const readme = `
import { BlockCache, Client, type StreamState } from "@loraloop/client";
const client = new Client();
const fieldsJson = JSON.stringify({ question: "What is LoRA?", answer: "A low-rank adapter." });
await client.ingest("faq", [{ id: "qa-1", fieldsJson }]);
const field = (value: string) => ({ source: { $case: "field", value } }) as const;
const mapping = { instruction: field("question"), output: field("answer") };
const source = { source: { $case: "spec", value: { collection: "faq", format: "instruction", mapping } } } as const;
for await (const sample of client.stream(source)) console.log(JSON.stringify(sample));

const [rank, worldSize, states] = [0, 1, [] as StreamState[]];
const { key } = await client.buildSnapshot(source);
const cache = new BlockCache({ directory: "blocks", maxBytes: "20GB" });
const trainer = client.trainer({ snapshot: key }, { shuffle: true, seed: 7, globalBatchSize: 32, rank, worldSize, cache });
for (let epoch = trainer.epoch; epoch < 3; epoch += 1) {
  trainer.setEpoch(epoch);
  for await (const batch of trainer) {
    console.log(epoch, batch.samples().length);
    states.push(trainer.stateDict());
  }
}
console.log(states.map((state) => state.next_index));

await client.registry.adapters.putAdapter({ adapter: "faq" });
for await (const { name } of client.registry.listAdapters()) console.log(name);
client.close();
`;

test("the package, packed and installed into an empty folder, streams there, and its types are right", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "loraloop-package-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true }));
  const npm = async (cwd: string, ...args: string[]) => {
    const path = [join(root, "node_modules/.bin"), dirname(process.execPath), process.env["PATH"]].join(":");
    return resultOf(startProgram("npm", args, { env: { ...process.env, PATH: path }, cwd }));
  };
  const packed = await npm(join(root, "clients/typescript"), "pack", "--json", "--pack-destination", folder);
  expect(packed).toMatchObject({ code: 0 });
  const files = (JSON.parse(packed.stdout) as { filename: string; files: { path: string }[] }[])[0];
  expect(files?.files.map(({ path }) => path).filter((path) => /\.test\.|fixture/.test(path))).toEqual([]);

  const empty = join(folder, "empty");
  await mkdir(empty);
  await writeFile(join(empty, "package.json"), '{"type":"module","private":true}');
  const options = ["--prefer-offline", "--no-audit", "--no-fund"];
  const installed = await npm(empty, "install", ...options, join(folder, files?.filename ?? ""));
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT/.test(installed.stderr)) {
    context.skip("the registry cannot be reached");
  }
  expect(installed).toMatchObject({ code: 0 });

  await writeFile(join(empty, "main.ts"), readme);
  const compiler = join(root, "node_modules/.bin/tsc");
  const settings = [
    "--module",
    "nodenext",
    "--target",
    "es2023",
    "--strict",
    "--noEmit",
    "--skipLibCheck",
    "--types",
    "node",
  ];
  const types = ["--typeRoots", join(root, "node_modules/@types")];
  const checked = await resultOf(
    startProgram(compiler, [...settings, ...types, "main.ts"], { env: process.env, cwd: empty }),
  );
  expect(checked).toMatchObject({ code: 0, stdout: "" });

  await using server = await LoraloopProcess.start();
  const main = await resultOf(startProgram(process.execPath, ["main.ts"], { env: server.environment, cwd: empty }));
  expect(main).toMatchObject({
    code: 0,
    stdout: '{"instruction":"What is LoRA?","output":"A low-rank adapter."}\n0 1\n1 1\n2 1\n[ 1, 1, 1 ]\nfaq\n',
    stderr: "",
  });
});
