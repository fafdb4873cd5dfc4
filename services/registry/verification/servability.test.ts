import { expect, test } from "vitest";
import { type BaseModel, Layer, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { spoiledBase as base } from "../../../test/support/spoiled/case.ts";
import { safetensors, type TinyFile, tinyAdapter } from "../../../test/support/tiny-adapter.ts";
import { Inspection } from "./inspection.ts";

const [configuration, weights] = tinyAdapter(base.name) as [TinyFile, TinyFile];
const matrices = ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj"].flatMap((layer) => [
  { name: `base_model.model.${layer}.lora_A.weight`, shape: [2, 8] },
  { name: `base_model.model.${layer}.lora_B.weight`, shape: [8, 2] },
]);

/** Why vLLM cannot serve an adapter; PEFT can. */
function problemsOfVllm(model: BaseModel, fields: object, file: TinyFile = weights): readonly string[] {
  const inspection = new Inspection({ base: model, reference: undefined, digests: new Map(), throwsFirst: true });
  for (const { path, bytes } of [configured(fields), file]) {
    inspection.beginFile(path, bytes.length);
    inspection.data(bytes);
    inspection.endFile();
  }
  const [peft, vllm] = inspection.finish().sound?.servability ?? [];
  expect(peft).toMatchObject({ engine: "peft", servable: true, problems: [] });
  expect(vllm).toMatchObject({ engine: "vllm", servable: vllm?.problems.length === 0 });
  return vllm?.problems ?? [];
}

function configured(fields: object): TinyFile {
  const before: object = JSON.parse(Buffer.from(configuration.bytes).toString());
  return { path: configuration.path, bytes: Buffer.from(JSON.stringify({ ...before, ...fields })) };
}

test.each([
  "LlamaForCausalLM",
  "Qwen3MoeForCausalLM",
  "Qwen2_5_VLForConditionalGeneration",
  "DeepseekV32ForCausalLM",
  "GPTNeoXForCausalLM",
  "LlamaForSequenceClassification",
  "Qwen2ForTokenClassification",
  "Qwen3Model",
])("vLLM has adapters for %s", (architecture) => {
  expect(problemsOfVllm({ ...base, architecture }, {})).toEqual([]);
});

test.each([
  "T5ForConditionalGeneration",
  "Phi3VForCausalLM",
  "KimiVLForConditionalGeneration",
  "BertForTokenClassification",
  "BertForSequenceClassification",
  "NomicBertModel",
  "GPT2LMHeadModel",
  "DeepseekV4ForCausalLM",
  "EagleLlamaForCausalLM",
  "WhateverForCausalLM",
  "WhateverForSequenceClassification",
])("vLLM has no adapters for %s", (architecture) => {
  expect(problemsOfVllm({ ...base, architecture }, {})).toEqual([
    `vLLM has no model of its own with adapters for "${architecture}"; serve it by PEFT, or merge the adapter into the base model where vLLM has that`,
  ]);
});

test("vLLM finds no model without an architecture", () => {
  expect(problemsOfVllm({ ...base, architecture: "" }, {})).toEqual([
    "vLLM finds no model for a base model of unknown architecture; register it with architectures in config.json",
  ]);
});

test("vLLM takes no configuration without what it has no default for", () => {
  const problem = (field: string): string =>
    `vLLM loads no adapter without ${field} in adapter_config.json; write "${field}": 8 there`;
  const rank = { rank_pattern: { q_proj: 2 } };
  expect(problemsOfVllm(base, { lora_alpha: undefined })).toEqual([problem("lora_alpha")]);
  expect(problemsOfVllm(base, { ...rank, r: undefined })).toEqual([problem("r")]);
  expect(problemsOfVllm(base, { ...rank, r: undefined, lora_alpha: undefined })).toEqual(
    ["r", "lora_alpha"].map(problem),
  );
});

test("an Activated LoRA without invocation tokens is a LoRA", () => {
  const problem = /^vLLM has no activated LoRA/;
  expect(problemsOfVllm(base, { alora_invocation_tokens: [1] })).toEqual([expect.stringMatching(problem)]);
  expect(problemsOfVllm(base, { alora_invocation_tokens: [] })).toEqual([]);
  expect(problemsOfVllm(base, { alora_invocation_tokens: null })).toEqual([]);
});

/** A classifier of three labels, whose head an adapter replaces. */
function problemsOfClassifier(architecture: string, head: string, names = ["classifier", "score"]): readonly string[] {
  const layer = Layer.create({ name: head, kind: Layer_Kind.KIND_LINEAR, inputFeatures: 8, outputFeatures: 3 });
  const tensor = { name: `base_model.model.${head}.weight`, shape: [3, 8] };
  const file = { path: weights.path, bytes: safetensors([...matrices, tensor], 0.5) };
  const fields = { task_type: "SEQ_CLS", modules_to_save: names };
  return problemsOfVllm({ ...base, architecture, layers: [...base.layers, layer] }, fields, file);
}

test("vLLM replaces the head of a classifier that is one linear layer", () => {
  const whole = [expect.stringMatching(/^vLLM takes no whole weights but a classifier's of one linear layer \(/)];
  expect(problemsOfClassifier("Qwen2ForSequenceClassification", "score")).toEqual([]);
  expect(problemsOfClassifier("LlamaBidirectionalForSequenceClassification", "score")).toEqual([]);
  expect(problemsOfClassifier("Qwen2ForSequenceClassification", "classifier")).toEqual(whole);
  expect(problemsOfClassifier("Qwen2ForSequenceClassification", "model.score")).toEqual(whole);
  expect(problemsOfClassifier("Qwen2ForTokenClassification", "score")).toEqual(whole);
  expect(problemsOfClassifier("Qwen2ForCausalLM", "score")).toEqual(whole);
  expect(problemsOfClassifier("JambaForSequenceClassification", "score")).toEqual(whole);
  expect(problemsOfClassifier("XLMRobertaForSequenceClassification", "classifier.dense")).toEqual(whole);
});

test("vLLM replaces no other layer", () => {
  expect(problemsOfClassifier("Qwen2ForSequenceClassification", "score", ["score", "norm"])).toEqual([
    expect.stringMatching(/^vLLM takes no modules_to_save \(norm\) but classifier and score; merge/),
  ]);
});

test("vLLM takes names in modules_to_save that the base model does not have", () => {
  expect(problemsOfVllm(base, { modules_to_save: ["classifier", "score"] })).toEqual([]);
});

test.each([
  ["Qwen2_5_VLForConditionalGeneration", "model.visual.blocks.0.attn.qkv", true],
  ["Gemma3ForConditionalGeneration", "model.multi_modal_projector.linear", true],
  ["Qwen2_5_VLForConditionalGeneration", "model.language_model.layers.0.self_attn.q_proj", false],
  ["LlamaForCausalLM", "model.visualizer.q_proj", false],
])("of %s vLLM passes over %s: %s", (architecture, name, isPassedOver) => {
  const layer = Layer.create({ name, kind: Layer_Kind.KIND_LINEAR, inputFeatures: 8, outputFeatures: 8 });
  const tensors = ["lora_A", "lora_B"].map((part, place) => ({
    name: `base_model.model.${name}.${part}.weight`,
    shape: place === 0 ? [2, 8] : [8, 2],
  }));
  const file = { path: weights.path, bytes: safetensors(tensors, 0.5) };
  const problems = problemsOfVllm({ ...base, architecture, layers: [layer] }, { target_modules: [name] }, file);
  const expected = expect.stringMatching(
    /^vLLM passes over all but the language model \(.*--enable-tower-connector-lora/,
  );
  expect(problems).toEqual(isPassedOver ? [expected] : []);
});
