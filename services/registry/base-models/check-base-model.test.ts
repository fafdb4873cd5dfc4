import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { BaseModel, Layer, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { tinyBaseModel } from "../../../test/support/tiny-adapter.ts";
import { limits } from "../../kit/limits.ts";
import { artifactDigest } from "../artifacts/artifact-digest.ts";
import { checkBaseModel } from "./check-base-model.ts";

const model = (change: Partial<BaseModel>): BaseModel => BaseModel.fromPartial({ ...tinyBaseModel("a/b"), ...change });
const layer = (name: string) =>
  Layer.create({ name, kind: Layer_Kind.KIND_LINEAR, inputFeatures: 1, outputFeatures: 1 });
const parameter = (name: string) => ({ ...layer(name), kind: Layer_Kind.KIND_PARAMETER, matrixCount: 4 });
const layers = (count: number) => Array.from({ length: count }, (_, number) => layer(`l${number}`));

describe("checkBaseModel", () => {
  test("fills in the revision, and puts layers and other names in order", () => {
    const given = model({ revision: "", layers: [layer("b"), layer("a")], otherNames: ["z", "a/b", "y", "z"] });
    const { revision, layers: ordered, otherNames } = checkBaseModel(given);
    expect(revision).toBe("main");
    expect(ordered.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(otherNames).toEqual(["y", "z"]);
  });

  test.each<[Partial<BaseModel>, string]>([
    [{ name: "" }, "name"],
    [{ name: "a//b" }, "name"],
    [{ name: "a/../b" }, "name"],
    [{ name: "-a" }, "name"],
    [{ name: "a".repeat(257) }, "name"],
    [{ revision: "a b" }, "revision"],
    [{ weightsDigest: "" }, "weights_digest"],
    [{ weightsDigest: "A".repeat(64) }, "weights_digest"],
    [{ tokenizerDigest: "abc" }, "tokenizer_digest"],
    [{ vocabularyDigest: "abc" }, "vocabulary_digest"],
    [{ layers: [] }, "layers"],
    [{ layers: [layer("a"), layer("b"), layer("a")] }, "layers"],
    [{ layers: [{ ...layer("a"), outputFeatures: 0 }] }, "layers"],
    [{ layers: [{ ...layer("a"), kind: Layer_Kind.KIND_UNSPECIFIED }] }, "layers.kind"],
    [{ layers: [{ ...layer("a"), matrixCount: 1 }] }, "layers.matrix_count"],
    [{ layers: [{ ...layer("a"), parameterPlace: 1 }] }, "layers.matrix_count"],
    [{ layers: [{ ...layer("a"), onlyInFiles: true }] }, "layers.only_in_files"],
    [{ layers: [{ ...parameter("a.b"), matrixCount: 0 }] }, "layers.matrix_count"],
    [{ layers: [parameter("a")] }, "layers.name"],
    [{ layers: [layer("a..b")] }, "layers.name"],
    [{ layers: [layer("a\nb")] }, "layers.name"],
    [{ otherNames: ["a\0b"] }, "other_names"],
    [{ configurationJson: "[]" }, "configuration_json"],
    [{ configurationJson: "{" }, "configuration_json"],
    [{ metadata: { "": "a" } }, "metadata"],
  ])("refuses %j", (change, field) => {
    expect(() => checkBaseModel(model(change))).toThrow(
      expect.objectContaining({ metadata: expect.objectContaining({ field }) }),
    );
  });

  test.each<[string, Partial<BaseModel>, Partial<BaseModel>]>([
    [
      "base_model_layers",
      { layers: layers(limits.base_model_layers) },
      { layers: layers(limits.base_model_layers + 1) },
    ],
    ["layer_name_bytes", { layers: [layer("a".repeat(256))] }, { layers: [layer("a".repeat(257))] }],
    ["base_model_other_name_bytes", { otherNames: ["ä".repeat(256)] }, { otherNames: [`a${"ä".repeat(256)}`] }],
    ["base_model_names", { otherNames: numbered(64) }, { otherNames: numbered(65) }],
    ["base_model_configuration_bytes", { configurationJson: object(262_144) }, { configurationJson: object(262_145) }],
    ["registry_name_bytes", { architecture: "a".repeat(128) }, { architecture: "a".repeat(129) }],
    ["metadata_entries", { metadata: entries(64) }, { metadata: entries(65) }],
  ])("holds to %s", (limit, most, more) => {
    checkBaseModel(model(most));
    const exceeded = expect.objectContaining({
      reason: "LIMIT_EXCEEDED",
      metadata: expect.objectContaining({ limit }),
    });
    expect(() => checkBaseModel(model(more))).toThrow(exceeded);
  });

  test("holds to base_model_layer_bytes", () => {
    const long = (count: number) => Array.from({ length: count }, (_, number) => layer(`${number}`.padStart(250, "0")));
    // 259 bytes a layer.
    checkBaseModel(model({ layers: long(48_000) }));
    expect(() => checkBaseModel(model({ layers: long(49_000) }))).toThrow(/base_model_layer_bytes/);
  });
});

test("digests of a folder are as in the vector that clients are tested with", () => {
  const vector = JSON.parse(readFileSync(new URL("../../../test/data/base-model.json", import.meta.url), "utf8"));
  const files = Object.entries<string>(vector.files).map(([path, content]) => ({
    path,
    digest: createHash("sha256").update(Buffer.from(content, "base64")).digest("hex"),
  }));
  const digestOf = (wanted: (path: string) => boolean) => artifactDigest(files.filter(({ path }) => wanted(path)));
  expect(digestOf((path) => path.endsWith(".safetensors"))).toBe(vector.expected.weights_digest);
  expect(digestOf((path) => /^(tokenizer|chat_template|special_tokens)/.test(path))).toBe(
    vector.expected.tokenizer_digest,
  );
});

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `name-${number}`);
}

function entries(count: number): Record<string, string> {
  return Object.fromEntries(numbered(count).map((name) => [name, ""]));
}

function object(bytes: number): string {
  return "{}".padEnd(bytes);
}
