import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Method, type Servability } from "../../proto/gen/loraloop/registry/v1/adapter.ts";
import { configurationReport, Faults } from "../../services/registry/verification/faults.ts";
import { Inspections } from "../../services/registry/verification/inspections.ts";
import { readConfiguration } from "../../services/registry/verification/lora-configuration.ts";
import { chooseTargets } from "../../services/registry/verification/targets.ts";
import { type VerifiedAdapter, verifyAdapter } from "../../services/registry/verification/verify-adapter.ts";
import { folderFiles } from "../support/folder-files.ts";
import {
  hasVllm,
  makePeftAdapters,
  type PeftAdapter,
  type PeftAdapters,
  refusalsOfVllm,
} from "../support/peft-adapters.ts";
import { readBase } from "../support/read-base.ts";

/** What vLLM says of the cases that it does not take. */
const unservable: Readonly<Record<string, RegExp>> = {
  "llama-dora": /no DoRA/,
  "llama-dora-embedding": /no DoRA/,
  "llama-saved-head": /modules_to_save \(lm_head, embed_tokens\)/,
  "llama-saved-norm": /modules_to_save \(norm\)/,
  "llama-saved-block": /modules_to_save \(layers\.0\.mlp\)/,
  "llama-lora-bias": /lora_B/,
  "llama-tokens": /trainable_token_indices/,
  "llama-named-tokens": /trainable_token_indices/,
  "llama-pissa": /path_initial_model_for_weight_conversion/,
  "llama-activated": /alora_invocation_tokens/,
  "mistral-embeddings": /no embedding of MistralForCausalLM/,
  "qwen2-bias-all": /bias is all/,
  "qwen2-bias-of-targets": /bias is lora_only/,
  "qwen2-classifier-norm": /modules_to_save \(norm\)/,
  "bert-classifier": /no model of its own with adapters for "BertForSequenceClassification"/,
  "gpt2-lora": /no model of its own with adapters for "GPT2LMHeadModel"/,
  "gpt2-dora": /no model of its own with adapters for "GPT2LMHeadModel"/,
  "gpt2-embeddings": /no embedding of GPT2LMHeadModel/,
  "gpt2-bias-all": /bias is all/,
  "gpt2-parameters": /no model of its own with adapters for "GPT2LMHeadModel"/,
  "mixtral-all-linear": /target_parameters: model\.layers\.0\.mlp\.gate\.weight/,
  "mixtral-old-names": /target_parameters/,
  "qwen2-moe-experts": /target_parameters/,
  "qwen2-moe-patterns": /target_parameters/,
  "gpt-oss-all-linear": /target_parameters/,
  "gpt-oss-biases": /target_parameters/,
  "vit-convolution": /no convolution/,
  "vit-dora-convolution": /no convolution/,
};

/** Cases in which other layers than the targets change. */
const others: Readonly<Record<string, readonly string[]>> = {
  "llama-saved-head": ["lm_head", "model.embed_tokens"],
  "llama-saved-block": ["down_proj", "gate_proj", "up_proj"].map((name) => `model.layers.0.mlp.${name}`),
  "qwen2-classifier": ["score"],
  "qwen2-classifier-norm": ["score"],
  "bert-classifier": ["classifier"],
  "llama-tokens": ["model.embed_tokens"],
  "llama-named-tokens": ["model.embed_tokens"],
  "qwen2-bias-all": [0, 1, 2].flatMap((layer) =>
    ["k_proj", "v_proj"].map((name) => `model.layers.${layer}.self_attn.${name}`),
  ),
};

const types: Readonly<Record<string, string>> = {
  "llama-half": "F16",
  "llama-brain": "BF16",
  "llama-double": "F64",
  "llama-eighth": "F8_E4M3",
};

/** The layer whose weight a parameter is, else the parameter. */
function layerOf({ base }: PeftAdapter, target: string): string {
  return base.layers.some(({ name }) => name === target) ? target : target.replace(/\.weight$/, "");
}

describe("adapters that PEFT made", () => {
  let folder: string;
  let made: PeftAdapters;
  const inspections = new Inspections();
  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), "loraloop-peft-")));
    made = await makePeftAdapters(folder);
  });
  afterAll(async () => {
    await inspections[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const verify = ({ folder: place, base }: PeftAdapter): Promise<VerifiedAdapter> =>
    verifyAdapter({ inspections }, folderFiles(place), readBase(base), {
      method: Method.METHOD_UNSPECIFIED,
      quantization: undefined,
      signal: new AbortController().signal,
    });

  test("fit their base models, with the layers and ranks that PEFT has", async () => {
    expect(made.cases.length).toBeGreaterThan(30);
    for (const adapter of made.cases) {
      const { peft, method } = await verify(adapter);
      const { name, ranks } = adapter;
      const targets = Object.keys(ranks).map((target) => layerOf(adapter, target));
      expect.soft(peft.maximumRank, name).toBe(Math.max(...Object.values(ranks)));
      expect.soft(method, name).toBe(name.includes("dora") ? Method.METHOD_DORA : Method.METHOD_LORA);
      expect.soft(peft.tensorTypes, name).toEqual([types[name] ?? "F32"]);
      if (name === "gpt2-bias-all") expect.soft(peft.layers, name).toEqual(expect.arrayContaining(targets));
      else expect.soft(peft.layers, name).toEqual([...targets, ...(others[name] ?? [])].sort());
    }
  });

  test("are servable by PEFT, and by vLLM where it takes them", async () => {
    for (const adapter of made.cases) {
      const { servability, peft } = await verify(adapter);
      const [byPeft, vllm] = servability as [Servability, Servability];
      expect.soft(byPeft).toMatchObject({ engine: "peft", servable: true });
      const problem = unservable[adapter.name];
      if (problem === undefined) {
        const minimumMaxLoraRank = peft.maximumRank <= 8 ? 8 : 16;
        expect.soft(vllm, adapter.name).toEqual({ engine: "vllm", servable: true, problems: [], minimumMaxLoraRank });
      } else {
        expect.soft(vllm, adapter.name).toMatchObject({ engine: "vllm", servable: false, minimumMaxLoraRank: 0 });
        expect.soft(vllm.problems.join("\n"), adapter.name).toMatch(problem);
      }
    }
  });

  test.runIf(hasVllm)("are taken by vLLM where they are said to be servable, and by no means else", async () => {
    const refusals = await refusalsOfVllm(folder);
    for (const adapter of made.cases) {
      const { servability } = await verify(adapter);
      const said = servability.find(({ engine }) => engine === "vllm");
      const refusal = refusals[adapter.name];
      expect.soft(refusal === null, `${adapter.name}: ${refusal}; ${said?.problems.join()}`).toBe(said?.servable);
    }
  });

  test("of one base model are refused for another of the same name", async () => {
    const [llama, gpt2] = ["llama-lora", "gpt2-lora"].map((name) => made.cases.find((one) => one.name === name));
    if (llama === undefined || gpt2 === undefined) throw new Error("cases are missing");
    const swapped = { ...llama, base: { ...gpt2.base, name: llama.base.name } };
    await expect(verify(swapped)).rejects.toMatchObject({ reason: "ADAPTER_TARGETS_UNKNOWN" });
    const wider = llama.base.layers.map((layer) => ({ ...layer, inputFeatures: layer.inputFeatures * 2 }));
    const widened = { ...llama, base: { ...llama.base, layers: wider } };
    await expect(verify(widened)).rejects.toMatchObject({ reason: "ADAPTER_SHAPE_MISMATCH" });
    const shallow = llama.base.layers.filter(({ name }) => !name.includes("layers.2"));
    const shortened = { ...llama, base: { ...llama.base, layers: shallow } };
    await expect(verify(shortened)).rejects.toMatchObject({ reason: "ADAPTER_TENSOR_UNEXPECTED" });
  });

  test("match layers as PEFT does", () => {
    for (const { settings, ranks } of made.matches) {
      const faults = new Faults(false);
      const report = configurationReport(faults);
      const text = JSON.stringify({ peft_type: "LORA", ...settings });
      const configuration = readConfiguration(Buffer.from(text), report);
      if (configuration === undefined) throw new Error(JSON.stringify(faults.found));
      const question = { configuration, base: made.matchedBase, adapted: new Set<string>() };
      const targets = chooseTargets(question, faults, report);
      const found = Object.fromEntries(targets.map(({ layer, rank }) => [layer.name, rank]));
      expect.soft(found, text).toEqual(ranks);
      expect
        .soft(
          faults.found.map(({ reason }) => reason),
          text,
        )
        .toEqual(targets.length === 0 ? ["ADAPTER_TARGETS_UNKNOWN"] : []);
    }
  });
});
