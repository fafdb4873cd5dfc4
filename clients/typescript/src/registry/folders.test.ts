import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BaseModel } from "../../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { safetensors, tinyModel, writeFiles } from "../../../../test/support/tiny-adapter.ts";
import { vocabularies } from "../../../../test/support/vocabularies.ts";
import { artifactDigest, comparePaths } from "./artifact-digest.ts";
import { readBaseModel } from "./base-model-folder.ts";
import { compareFiles, compareFolder } from "./compare-files.ts";
import { readFolder } from "./folder-files.ts";
import { holdsFiles } from "./holds-files.ts";
import { readVocabularyDigest } from "./vocabulary.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loraloop-folder-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A file with one tensor of 2 × 2. */
function weights(name: string): Uint8Array {
  return safetensors([{ name, shape: [2, 2] }], 1);
}

function sha256(data: string): string {
  return createHash("sha256").update(data).digest("hex");
}

test("files come in order of their paths' bytes, and the artifact's digest is over their lines", async () => {
  mkdirSync(join(folder, "a"));
  for (const path of ["a/z", "a-b", "ä", "z"]) writeFileSync(join(folder, path), path);
  const files = await readFolder(folder);
  expect(files.map(({ path }) => path)).toEqual(["a-b", "a/z", "z", "ä"]);
  expect(files[1]).toEqual({ path: "a/z", byteCount: 3, digest: sha256("a/z") });
  expect(artifactDigest(files.toReversed())).toBe(
    sha256(["a-b", "a/z", "z", "ä"].map((path) => `${sha256(path)}  ${path}\n`).join("")),
  );
});

test.for<[string, () => void]>([
  ["is a link", () => symlinkSync("/etc/hostname", join(folder, "x"))],
  ["adapter_model.bin is a pickle", () => writeFileSync(join(folder, "adapter_model.bin"), "")],
  ["holds no files", () => mkdirSync(join(folder, "x"))],
  [
    "holds more than 1000 files",
    () => Array.from({ length: 1001 }, (_, number) => writeFileSync(join(folder, `${number}`), "")),
  ],
])("a folder is refused here: %s", async ([problem, make]) => {
  make();
  await expect(readFolder(folder)).rejects.toMatchObject({
    name: "FileError",
    message: expect.stringContaining(problem),
  });
});

test("files that differ from those that were registered are named", () => {
  const files = ["a", "b"].map((path) => ({ path, byteCount: 1n, digest: sha256(path) }));
  const found = [
    { path: "a", byteCount: 1, digest: sha256("other") },
    { path: "c", byteCount: 1, digest: sha256("c") },
  ];
  expect(compareFiles(files, found)).toEqual([
    { path: "a", problem: "changed", expected: sha256("a"), actual: sha256("other") },
    { path: "b", problem: "missing", expected: sha256("b"), actual: "" },
    { path: "c", problem: "unexpected", expected: "", actual: sha256("c") },
  ]);
});

test("a folder is compared with whatever is in it: pickles and links are differences, and nothing is followed", async () => {
  const digests = { same: sha256("same"), linked: sha256("linked"), gone: sha256("gone") };
  const files = Object.entries(digests).map(([path, digest]) => ({ path, byteCount: 1n, digest }));
  expect(await compareFolder(files, folder)).toMatchObject(files.map(({ path }) => ({ path, problem: "missing" })));
  mkdirSync(join(folder, "deep"));
  for (const path of ["same", "training_args.bin", "deep/more"]) writeFileSync(join(folder, path), path);
  symlinkSync("same", join(folder, "linked"));
  symlinkSync("/", join(folder, "root"));
  expect(await compareFolder(files, folder)).toEqual([
    { path: "linked", problem: "changed", expected: digests.linked, actual: "" },
    { path: "gone", problem: "missing", expected: digests.gone, actual: "" },
    { path: "deep/more", problem: "unexpected", expected: "", actual: sha256("deep/more") },
    { path: "root", problem: "unexpected", expected: "", actual: "" },
    { path: "training_args.bin", problem: "unexpected", expected: "", actual: sha256("training_args.bin") },
  ]);
});

test("a file is no folder", async () => {
  const file = join(folder, "README.md");
  writeFileSync(file, "");
  const refused = { name: "FileError", path: file, problem: "is no folder" };
  await expect(readFolder(file)).rejects.toMatchObject(refused);
  await expect(compareFolder([], file)).rejects.toMatchObject(refused);
  await expect(readBaseModel(file, { name: "x" })).rejects.toMatchObject(refused);
  await expect(readFolder(join(file, "below"))).rejects.toMatchObject({ code: "ENOTDIR" });
});

test("a folder that is not there or something else does not hold the files; of one that cannot be read nobody knows", async () => {
  const artifact = { digest: "", uri: "", files: [], byteCount: 0n, kept: true };
  writeFileSync(join(folder, "file"), "");
  for (const place of ["nothing", "file"]) expect(await holdsFiles(join(folder, place), artifact)).toBe(false);
  const unreadable = holdsFiles(join(folder, "x".repeat(300)), artifact);
  await expect(unreadable).rejects.toMatchObject({ code: "ENAMETOOLONG" });
});

test("a base model is read from its folder, also where files are links", async () => {
  const model = await readBaseModel(writeFiles(folder, tinyModel()), { name: "tiny/llama" });
  expect(model).toMatchObject({
    architecture: "LlamaForCausalLM",
    modelType: "llama",
    hiddenSize: 8,
    vocabularySize: 16,
  });
  expect(model.layers?.map(({ name }) => name)).toEqual([
    "model.embed_tokens",
    "model.layers.0.self_attn.q_proj",
    "model.layers.1.self_attn.q_proj",
    "lm_head",
  ]);
  expect(model.tokenizerDigest).toBe(sha256(`${sha256("{}")}  tokenizer.json\n`));
  expect(model.vocabularyDigest).toBe("");
  const linked = join(folder, "linked");
  mkdirSync(linked);
  for (const file of ["config.json", "model.safetensors", "tokenizer.json"])
    symlinkSync(join(folder, file), join(linked, file));
  expect(await readBaseModel(linked, { name: "tiny/llama" })).toEqual(model);
});

test("a folder is told as every client tells it", async () => {
  const file = new URL("../../../../test/data/base-model.json", import.meta.url);
  const golden = JSON.parse(readFileSync(file, "utf8")) as { files: Record<string, string>; expected: object };
  const files = Object.entries(golden.files).map(([path, bytes]) => ({ path, bytes: Buffer.from(bytes, "base64") }));
  const told = BaseModel.fromPartial(await readBaseModel(writeFiles(folder, files), { name: "x" }));
  const { layers, ...others } = BaseModel.fromJSON(golden.expected);
  expect(told).toMatchObject({ ...others, name: "x" });
  expect(told.layers.toSorted((one, other) => comparePaths(one.name, other.name))).toEqual(layers);
});

test("a vocabulary is told as every client tells it", async () => {
  const path = join(folder, "tokenizer.json");
  for (const [name, { text, digest }] of vocabularies) {
    writeFileSync(path, text);
    expect(await readVocabularyDigest(path), name).toBe(digest);
  }
  writeFileSync(path, Buffer.from('{"model":{"vocab":{"\xff":0}}}', "latin1"));
  expect(await readVocabularyDigest(path)).toBe("");
});

test("weights of another format beside the model's own are not digested", async () => {
  writeFiles(folder, tinyModel());
  const alone = await readBaseModel(folder, { name: "model" });
  writeFileSync(join(folder, "consolidated.safetensors"), weights("other"));
  expect(await readBaseModel(folder, { name: "model" })).toEqual(alone);
});

test("of two formats in a folder, the index says which the layers are read from", async () => {
  writeFileSync(join(folder, "config.json"), '{"architectures":["LlamaModel"]}');
  writeFileSync(join(folder, "model-1.safetensors"), weights("layers.0.q.weight"));
  writeFileSync(join(folder, "consolidated.safetensors"), weights("layers.0.wq.weight"));
  const index = { weight_map: { "layers.0.q.weight": "model-1.safetensors" } };
  writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify(index));
  const { layers } = await readBaseModel(folder, { name: "x" });
  expect(layers?.map(({ name }) => name)).toEqual(["layers.0.q"]);
});

test.for<[string, Uint8Array]>([
  ["is no safetensors file, or is cut off", Buffer.from("no tensors")],
  ["its header is no JSON", Buffer.from("\x02\0\0\0\0\0\0\0{]")],
  ["has no shape and type for the tensor x", Buffer.from('\x08\0\0\0\0\0\0\0{"x":{}}')],
  ["is quantised", weights("layers.0.q.qweight")],
])("weights that are none are refused: %s", async ([problem, content]) => {
  writeFileSync(join(folder, "config.json"), "{}");
  writeFileSync(join(folder, "model.safetensors"), content);
  const read = readBaseModel(folder, { name: "x" });
  await expect(read).rejects.toMatchObject({ name: "FileError", message: expect.stringContaining(problem) });
});
