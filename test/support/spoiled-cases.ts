import { mkdir, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Method } from "../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { ArtifactFile } from "../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModel } from "../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { Reason } from "../../services/kit/errors.ts";
import { limits } from "../../services/kit/limits.ts";
import type { DeclaredAdapter } from "../../services/registry/verification/verify-adapter.ts";
import type { HeaderEntry, SpoiledAdapter } from "./spoiled-adapter.ts";
import { tinyBaseModel } from "./tiny-adapter.ts";

/** What the adapters are for. */
export const spoiledBase: BaseModel = BaseModel.fromPartial({
  ...tinyBaseModel("tiny/llama"),
  otherNames: ["/models/tiny"],
});
const q = "base_model.model.model.layers.0.self_attn.q_proj";
const firstA = `${q}.lora_A.weight`;
const firstB = `${q}.lora_B.weight`;
const weights = "adapter_model.safetensors";
const configuration = "adapter_config.json";

/** How an adapter is spoiled before it is written; what is done afterwards is returned. */
export type Spoil = (adapter: SpoiledAdapter) => (() => Promise<unknown>) | unknown;

/** A way to spoil an adapter, and what is said of it. */
export interface SpoiledCase {
  readonly spoil?: Spoil;
  readonly reason: Reason;
  /** In the message. */
  readonly says?: RegExp;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly declared?: Partial<DeclaredAdapter>;
}

type Header = Record<string, HeaderEntry>;

/** Changes the entry of a tensor. */
const entry =
  (change: HeaderEntry, name = firstA): Spoil =>
  (adapter) =>
    adapter.header((header) => ({ ...header, [name]: { ...header[name], ...change } }));
const renamed =
  (from: string, to: string): Spoil =>
  (adapter) =>
    adapter.header((header) =>
      Object.fromEntries(Object.entries(header).map(([name, one]) => [name === from ? to : name, one])),
    );
const without = (header: Header, name: string): Header =>
  Object.fromEntries(Object.entries(header).filter(([other]) => other !== name));
const configured =
  (fields: Readonly<Record<string, unknown>>): Spoil =>
  (adapter) =>
    adapter.configure(fields);
const configurationText =
  (text: string): Spoil =>
  (adapter) =>
    adapter.text(configuration, text);
const field = (
  name: string,
  problem?: RegExp,
): Pick<SpoiledCase, "reason" | "metadata"> & { readonly says: RegExp } => ({
  reason: "ADAPTER_CONFIGURATION_INVALID",
  metadata: { field: name },
  says: problem ?? new RegExp(`adapter_config\\.json: ${name} `),
});
const header = (says: RegExp): Pick<SpoiledCase, "reason" | "says"> => ({ reason: "ADAPTER_HEADER_INVALID", says });
const registered = (path: string, digest: string): ArtifactFile => ({ path, digest, byteCount: 0n });
const reference = { name: spoiledBase.name, revision: "", weightsDigest: "", tokenizerDigest: "" };

/** By what is wrong. */
export const spoiledCases: Readonly<Record<string, SpoiledCase>> = {
  "a flipped byte after it was registered": {
    spoil: (adapter) => adapter.data.writeUInt8(adapter.data.readUInt8(7) ^ 1, 7),
    declared: { files: [registered(configuration, ""), registered(weights, "a".repeat(64))] },
    reason: "ADAPTER_FILE_CHANGED",
    metadata: { path: weights, expected: "a".repeat(64) },
  },
  "a file less than it was registered with": {
    declared: { files: [registered(configuration, ""), registered(weights, ""), registered("tokenizer.json", "")] },
    reason: "ADAPTER_FILE_MISSING",
    metadata: { path: "tokenizer.json" },
  },
  "a file more than it was registered with": {
    spoil: (adapter) => adapter.text("tokenizer.json", "{}"),
    declared: { files: [registered(configuration, ""), registered(weights, "")] },
    reason: "ADAPTER_FILE_CHANGED",
    metadata: { path: "tokenizer.json", expected: "no file" },
  },
  "another base model": {
    spoil: configured({ base_model_name_or_path: "tiny/mistral" }),
    reason: "BASE_MODEL_MISMATCH",
    metadata: { field: "base_model_name_or_path", expected: "tiny/llama", actual: "tiny/mistral" },
  },
  "another revision of the base model": {
    spoil: configured({ revision: "v2" }),
    reason: "BASE_MODEL_MISMATCH",
    metadata: { field: "revision", expected: "main", actual: "v2" },
  },
  "other weights of the base model": {
    declared: { baseModel: { ...reference, weightsDigest: "c".repeat(64) } },
    reason: "BASE_MODEL_MISMATCH",
    metadata: { field: "base_model.weights_digest", actual: "c".repeat(64) },
  },
  "another tokenizer": {
    declared: { baseModel: { ...reference, tokenizerDigest: "d".repeat(64) } },
    reason: "TOKENIZER_MISMATCH",
    metadata: { actual: "d".repeat(64) },
  },
  "a method that it does not have": {
    declared: { method: Method.METHOD_DORA },
    reason: "FIELD_INVALID",
    metadata: { field: "method", value: "METHOD_DORA" },
  },
  "a rank that is a lie": {
    spoil: configured({ r: 4 }),
    reason: "ADAPTER_SHAPE_MISMATCH",
    metadata: { tensor: firstA, expected: "(4, 8)", actual: "(2, 8)" },
    says: /Its rank is 2, not 4: correct r or rank_pattern/,
  },
  "a rank of one layer that is a lie": {
    spoil: configured({ rank_pattern: { "layers.1.self_attn.q_proj": 3 } }),
    reason: "ADAPTER_SHAPE_MISMATCH",
    says: /layers\.1.*Its rank is 2, not 3/,
  },
  "rank 0": { spoil: configured({ r: 0 }), ...field("r") },
  "a rank above all bounds": { spoil: configured({ r: 65_537 }), ...field("r", /adapter_rank/) },
  "a rank as text": { spoil: configured({ r: "2" }), ...field("r") },
  "a rank that Python takes for no whole number": {
    spoil: (adapter) =>
      adapter.text(configuration, adapter.file(configuration).toString().replace('"r": 2', '"r": 2.0')),
    ...field("r", /with a point/),
  },
  "half a rank": { spoil: configured({ rank_pattern: { q_proj: 2.5 } }), ...field("rank_pattern") },
  "alpha as text": { spoil: configured({ lora_alpha: "16" }), ...field("lora_alpha") },
  "alpha below 0": { spoil: configured({ lora_alpha: -16 }), ...field("lora_alpha") },
  "alpha 0 for a layer": { spoil: configured({ alpha_pattern: { q_proj: 0 } }), ...field("alpha_pattern") },
  "alpha beyond all numbers": {
    spoil: configurationText('{"peft_type":"LORA","lora_alpha":1e999}'),
    ...field("adapter_config.json", /1e999.*too large/),
  },
  "alpha NaN": {
    spoil: configurationText('{"peft_type":"LORA","lora_alpha":NaN}'),
    ...field("adapter_config.json", /no JSON/),
  },
  "a dropout above 1": { spoil: configured({ lora_dropout: 1.5 }), ...field("lora_dropout") },
  "a flag that is none": { spoil: configured({ use_dora: "yes" }), ...field("use_dora") },
  "a bias that PEFT does not know": { spoil: configured({ bias: "some" }), ...field("bias") },
  "a tensor less": {
    spoil: (adapter) => {
      const { data } = adapter;
      adapter.header((entries) => shifted(without(entries, firstA), -64));
      adapter.rawHeader(JSON.stringify(adapter.weights().header), data.subarray(64));
    },
    reason: "ADAPTER_TENSOR_MISSING",
    metadata: { tensor: firstA },
  },
  "no magnitudes for DoRA": {
    spoil: configured({ use_dora: true }),
    reason: "ADAPTER_TENSOR_MISSING",
    metadata: { tensor: `${q}.lora_magnitude_vector` },
  },
  "no biases for lora_bias": {
    spoil: configured({ lora_bias: true }),
    reason: "ADAPTER_TENSOR_MISSING",
    metadata: { tensor: `${q}.lora_B.bias` },
  },
  "a module to save that is not in the file": {
    spoil: configured({
      target_modules: ["layers.0.self_attn.q_proj"],
      modules_to_save: ["layers.1.self_attn.q_proj"],
    }),
    reason: "ADAPTER_TENSOR_MISSING",
    metadata: { tensor: "base_model.model.model.layers.1.self_attn.q_proj.weight" },
  },
  "a tensor more": {
    spoil: configured({ target_modules: ["layers.0.self_attn.q_proj"] }),
    reason: "ADAPTER_TENSOR_UNEXPECTED",
    metadata: { tensor: "base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight" },
  },
  "a weight of the base model itself": {
    spoil: (adapter) => {
      const { header: entries, data } = adapter.weights();
      const extra = { dtype: "F32", shape: [8, 8], data_offsets: [256, 512] };
      adapter.rawHeader(
        JSON.stringify({ ...entries, [`${q}.weight`]: extra }),
        Buffer.concat([data, Buffer.alloc(256)]),
      );
    },
    reason: "ADAPTER_TENSOR_UNEXPECTED",
    metadata: { tensor: `${q}.weight` },
  },
  "names without PEFT's prefix": {
    spoil: renamed(firstA, firstA.replace("base_model.model.", "")),
    reason: "ADAPTER_TENSOR_MISSING",
    metadata: { tensor: firstA },
  },
  "a matrix the wrong way round": {
    spoil: entry({ shape: [8, 2] }),
    reason: "ADAPTER_SHAPE_MISMATCH",
    metadata: { tensor: firstA, expected: "(2, 8)", actual: "(8, 2)" },
    says: /Name the base model that it was trained on/,
  },
  "a target that the base model does not have": {
    spoil: configured({ target_modules: ["c_attn"] }),
    reason: "ADAPTER_TARGETS_UNKNOWN",
    metadata: { target: "c_attn", base_model: "tiny/llama" },
  },
  "matrices of a target that the base model does not have": {
    spoil: (adapter) => {
      adapter.configure({ target_modules: ["q_proj", "w_pack"] });
      renamed(firstA, firstA.replace("q_proj", "w_pack"))(adapter);
    },
    reason: "ADAPTER_TARGETS_UNKNOWN",
    metadata: { target: "w_pack" },
  },
  "no targets": { spoil: configured({ target_modules: null }), ...field("target_modules") },
  "whole numbers for weights": {
    spoil: entry({ dtype: "I32" }),
    reason: "ADAPTER_TENSOR_TYPE",
    metadata: { tensor: firstA, actual: "I32" },
  },
  "matrices of two types": {
    spoil: (adapter) => {
      const { header: entries, data } = adapter.weights();
      const half = { ...shifted(entries, -32, 64), [firstA]: { dtype: "F16", shape: [2, 8], data_offsets: [0, 32] } };
      adapter.rawHeader(JSON.stringify(half), data.subarray(32));
    },
    reason: "ADAPTER_TENSOR_TYPE",
    metadata: { tensor: firstB, expected: "F16", actual: "F32" },
  },
  NaN: {
    spoil: (adapter) => adapter.data.writeFloatLE(Number.NaN, 64),
    reason: "ADAPTER_NOT_FINITE",
    metadata: { tensor: firstB, problem: "is NaN or infinite at element 0" },
  },
  "an infinity": {
    spoil: (adapter) => adapter.data.writeFloatLE(Number.NEGATIVE_INFINITY, 252),
    reason: "ADAPTER_NOT_FINITE",
    metadata: { problem: "is NaN or infinite at element 15" },
  },
  "a pickle": {
    spoil: (adapter) => adapter.text("adapter_model.bin", "\x80\x02}q\x00."),
    reason: "ADAPTER_FILE_FORBIDDEN",
    metadata: { path: "adapter_model.bin" },
  },
  "a pickle under another name": {
    spoil: (adapter) =>
      adapter.files.set(weights, Buffer.from("\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00}.", "latin1")),
    reason: "ADAPTER_FILE_FORBIDDEN",
    metadata: { path: weights },
  },
  "what torch.save writes, under another name": {
    spoil: (adapter) => adapter.text(weights, "PK\x03\x04archive/data.pkl"),
    reason: "ADAPTER_FILE_FORBIDDEN",
    metadata: { path: weights },
  },
  "a link": {
    spoil: (adapter) => () => symlink("/etc/hostname", join(adapter.folder, "notes.txt")),
    reason: "ADAPTER_FILE_FORBIDDEN",
    metadata: { path: "notes.txt" },
  },
  "a folder that is a link": {
    spoil: (adapter) => () => symlink("/etc", join(adapter.folder, "more")),
    reason: "ADAPTER_FILE_FORBIDDEN",
    metadata: { path: "more" },
  },
  "too many files": {
    spoil:
      ({ folder }) =>
      async () => {
        await mkdir(join(folder, "many"));
        for (let number = 0; number <= limits.artifact_files; number++)
          await writeFile(join(folder, "many", `${number}`), "");
      },
    reason: "LIMIT_EXCEEDED",
    metadata: { limit: "artifact_files" },
  },
  "no configuration": {
    spoil: (adapter) => adapter.files.delete(configuration),
    reason: "ADAPTER_FILE_MISSING",
    metadata: { path: configuration },
  },
  "no weights": {
    spoil: (adapter) => adapter.files.delete(weights),
    reason: "ADAPTER_FILE_MISSING",
    metadata: { path: weights },
  },
  "an empty file of weights": { spoil: (adapter) => adapter.text(weights, ""), ...header(/has 0 bytes/) },
  "weights that are cut off": {
    spoil: (adapter) => () => truncate(join(adapter.folder, weights), adapter.file(weights).length - 1),
    ...header(/is cut off/),
  },
  "a header that is cut off": {
    spoil: (adapter) => () => truncate(join(adapter.folder, weights), 100),
    ...header(/its header would have \d+ bytes, the file has 100/),
  },
  "a header of 0 bytes": { spoil: (adapter) => adapter.headerLength(0n), ...header(/would have 0 bytes/) },
  "a header of 2^63 bytes": {
    spoil: (adapter) => adapter.headerLength(2n ** 63n),
    ...header(/would have 9223372036854775808 bytes/),
  },
  "a header of 200 MB": {
    spoil: (adapter) => {
      adapter.headerLength(200_000_000n);
      return () => truncate(join(adapter.folder, weights), 200_000_008);
    },
    ...header(/200000000 bytes; the limit safetensors_header_bytes/),
  },
  "overlapping tensors": {
    spoil: entry({ data_offsets: [60, 124] }, firstB),
    ...header(/overlaps the tensor before it/),
  },
  "a hole between tensors": { spoil: entry({ data_offsets: [68, 132] }, firstB), ...header(/leaves a hole before it/) },
  "bytes that are no tensor's": {
    spoil: (adapter) => {
      const { header: entries, data } = adapter.weights();
      adapter.rawHeader(JSON.stringify(entries), Buffer.concat([data, Buffer.from("#!/bin/sh")]));
    },
    ...header(/has bytes that belong to no tensor/),
  },
  "a tensor twice": {
    spoil: (adapter) => {
      const text = JSON.stringify(adapter.weights().header);
      adapter.rawHeader(`{"${firstA}":{"dtype":"F32","shape":[2,8],"data_offsets":[0,64]},${text.slice(1)}`);
    },
    ...header(/has the key .* twice/),
  },
  "a type twice in a tensor": {
    spoil: (adapter) => {
      const text = JSON.stringify(adapter.weights().header);
      adapter.rawHeader(text.replace('"dtype":"F32"', '"dtype":"F32","dtype":"F32"'));
    },
    ...header(/has the key "dtype" twice/),
  },
  "a type that safetensors has not": { spoil: entry({ dtype: "F128" }), ...header(/dtype that safetensors has not/) },
  "a shape below 0": { spoil: entry({ shape: [-2, 8] }), ...header(/number "-2"/) },
  "a shape of halves": { spoil: entry({ shape: [2.5, 8] }), ...header(/number "2\.5"/) },
  "a shape with an exponent": {
    spoil: (adapter) => adapter.rawHeader(JSON.stringify(adapter.weights().header).replace("[2,8]", "[2e0,8]")),
    ...header(/number "2e0"/),
  },
  "a shape beyond 2^53": { spoil: entry({ shape: [2 ** 40, 2 ** 40] }), ...header(/beyond 2\^53 elements/) },
  "a shape that is none": { spoil: entry({ shape: 16 }), ...header(/no list of lengths/) },
  "a shape of more bytes than there are": { spoil: entry({ shape: [4, 8] }), ...header(/has 64 bytes/) },
  "an end before its beginning": { spoil: entry({ data_offsets: [64, 0] }), ...header(/no beginning and end/) },
  "three offsets": { spoil: entry({ data_offsets: [0, 64, 128] }), ...header(/no beginning and end/) },
  "a tensor with something else": {
    spoil: entry({ code: "…" }),
    ...header(/no object of dtype, shape and data_offsets/),
  },
  "metadata that are no texts": {
    spoil: (adapter) => adapter.header((entries) => ({ ...entries, __metadata__: { format: 1 } })),
    ...header(/__metadata__/),
  },
  "a header that is no object": { spoil: (adapter) => adapter.rawHeader("[]"), ...header(/does not begin with \{/) },
  "a header that is no JSON": { spoil: (adapter) => adapter.rawHeader("{'a':1}"), ...header(/where JSON has none/) },
  "a header that is not UTF-8": {
    spoil: (adapter) => adapter.rawHeader(Buffer.from('{"\xff":{}}', "latin1")),
    ...header(/is not UTF-8/),
  },
  "a header of nested lists": {
    spoil: (adapter) => adapter.rawHeader(`{"a":${"[".repeat(100_000)}`),
    ...header(/is nested deeper than 3/),
  },
  "a tensor with a huge name": {
    spoil: renamed(firstA, "a.".repeat(100_000)),
    ...header(/the limit tensor_name_characters is 1024/),
  },
  "a configuration that is no JSON": {
    spoil: configurationText("peft_type: LORA"),
    ...field("adapter_config.json", /no JSON/),
  },
  "a configuration that is a list": {
    spoil: configurationText("[]"),
    ...field("adapter_config.json", /no JSON object/),
  },
  "a configuration of 10 MB": {
    spoil: (adapter) => adapter.configure({ padding: "x".repeat(10_000_000) }),
    ...field("adapter_config.json", /the limit adapter_configuration_bytes/),
  },
  "a configuration of nested lists": {
    spoil: configurationText(`{"peft_type":"LORA","a":${"[".repeat(100_000)}`),
    ...field("adapter_config.json", /nested deeper than 16/),
  },
  "a configuration with a key twice": {
    spoil: configurationText('{"peft_type":"LORA","r":2,"r":4}'),
    ...field("adapter_config.json", /has the key "r" twice/),
  },
  "a configuration that is not UTF-8": {
    spoil: (adapter) => adapter.files.set(configuration, Buffer.from('{"peft_type":"LORA\xff"}', "latin1")),
    ...field("adapter_config.json", /not UTF-8/),
  },
  "another kind of adapter": { spoil: configured({ peft_type: "IA3" }), ...field("peft_type", /IA3/) },
  "a task that PEFT does not know": { spoil: configured({ task_type: "CHAT" }), ...field("task_type") },
  "a beginning that PEFT does not know": {
    spoil: configured({ init_lora_weights: "new" }),
    ...field("init_lora_weights"),
  },
  "no kind of adapter": { spoil: configured({ peft_type: undefined }), ...field("peft_type", /null/) },
  "a target by look-around": {
    spoil: configured({ target_modules: "(?!.*vision).*q_proj" }),
    ...field("target_modules", /no RE2 regular expression.*without look-around/),
  },
  "a target that closes our group": { spoil: configured({ target_modules: "q_proj)|(x" }), ...field("target_modules") },
  "a target of nested repetitions": {
    spoil: configured({ target_modules: "(((q_proj{99}){99}){99}){99}" }),
    ...field("target_modules"),
  },
  "a hostile expression that is none for RE2": {
    spoil: configured({ target_modules: "(.*)*(.*)*(.*)*(.*)*(.*)*x" }),
    reason: "ADAPTER_TARGETS_UNKNOWN",
  },
  "a module to save by expression": { spoil: configured({ modules_to_save: ["(a+)+$"] }), ...field("modules_to_save") },
  "layers by number beside an expression": {
    spoil: configured({ target_modules: ".*q_proj", layers_to_transform: [0] }),
    ...field("layers_to_transform"),
  },
  "biases of DoRA": { spoil: configured({ use_dora: true, lora_bias: true }), ...field("lora_bias") },
  "tokens that the base model does not have": {
    spoil: configured({ trainable_token_indices: [1, 2] }),
    ...field("trainable_token_indices"),
  },
  "features that are not supported": {
    spoil: configured({
      layer_replication: [
        [0, 1],
        [0, 1],
      ],
    }),
    ...field("layer_replication", /stacks layers/),
  },
};

/** All entries from an offset on, moved by some bytes. */
function shifted(entries: Header, by: number, from = 64): Header {
  return Object.fromEntries(
    Object.entries(entries).map(([name, one]) => {
      const [begin = 0, end = 0] = one["data_offsets"] as number[];
      return [name, begin < from ? one : { ...one, data_offsets: [begin + by, end + by] }];
    }),
  );
}
