import { configured, entry, firstA, firstB, q, renamed, type SpoiledCase, shifted, without } from "./case.ts";

/** Tensors that are not what the configuration and the base model ask for. */
export const spoiledTensors: Readonly<Record<string, SpoiledCase>> = {
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
};
