import { expect, test } from "vitest";
import { Layer_Kind } from "../../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { layersOf } from "./layers.ts";

const { KIND_CONVOLUTION, KIND_EMBEDDING, KIND_LINEAR, KIND_TRANSPOSED_LINEAR } = Layer_Kind;

/** Layers of tensors, as `name kind in→out`. */
function layers(name: string, modelType: string, shapes: Readonly<Record<string, readonly number[]>>): string[] {
  const tensors = Object.entries(shapes).map(([tensor, shape]) => ({ name: tensor, type: "F32", shape }));
  const found = layersOf(tensors, { name, modelType, vocabularySize: 32 });
  return found.map((layer) => `${layer.name} ${layer.kind} ${layer.inputFeatures}→${layer.outputFeatures}`);
}

test("Llama: linear layers, the embedding, and the head that shares its weights", () => {
  const shapes = {
    "model.embed_tokens.weight": [32, 8],
    "model.layers.0.self_attn.k_proj.weight": [4, 8],
    "model.layers.0.input_layernorm.weight": [8],
    "model.layers.0.self_attn.k_proj.bias": [4],
  };
  expect(layers("LlamaForCausalLM", "llama", shapes)).toEqual([
    `model.embed_tokens ${KIND_EMBEDDING} 32→8`,
    `model.layers.0.self_attn.k_proj ${KIND_LINEAR} 8→4`,
    `lm_head ${KIND_LINEAR} 8→32`,
  ]);
  const own = layers("LlamaForCausalLM", "llama", { ...shapes, "lm_head.weight": [32, 8] });
  expect(own.filter((layer) => layer.startsWith("lm_head"))).toEqual([`lm_head ${KIND_LINEAR} 8→32`]);
});

test("T5: one embedding, saved once for encoder, decoder and head", () => {
  const shapes = {
    "shared.weight": [32, 8],
    "encoder.block.0.layer.0.SelfAttention.q.weight": [16, 8],
    "decoder.block.0.layer.0.SelfAttention.q.weight": [16, 8],
  };
  const sharing = ["encoder", "decoder"].map((part) => `${part}.embed_tokens ${KIND_EMBEDDING} 32→8`);
  const head = `lm_head ${KIND_LINEAR} 8→32`;
  const saved = layers("T5ForConditionalGeneration", "t5", shapes);
  expect(saved.slice(3)).toEqual([...sharing, head]);
  const own = layers("T5ForConditionalGeneration", "t5", { ...shapes, "lm_head.weight": [32, 8] });
  expect(own.filter((layer) => layer.startsWith("lm_head"))).toEqual([head]);
  const { "decoder.block.0.layer.0.SelfAttention.q.weight": _, ...encoder } = shapes;
  expect(layers("T5EncoderModel", "t5", encoder).slice(2)).toEqual(sharing.slice(0, 1));
});

test("GPT-2, saved without its head: transposed layers, names as the whole model has them", () => {
  const shapes = {
    "wte.weight": [32, 8],
    "wpe.weight": [64, 8],
    "h.0.attn.c_attn.weight": [8, 24],
    "h.0.ln_1.weight": [8],
  };
  expect(layers("GPT2LMHeadModel", "gpt2", shapes)).toEqual([
    `transformer.wte ${KIND_EMBEDDING} 32→8`,
    `transformer.wpe ${KIND_EMBEDDING} 64→8`,
    `transformer.h.0.attn.c_attn ${KIND_TRANSPOSED_LINEAR} 8→24`,
    `lm_head ${KIND_LINEAR} 8→32`,
  ]);
  expect(layers("GPT2Model", "gpt2", shapes)[0]).toBe(`wte ${KIND_EMBEDDING} 32→8`);
});

test("GPT-BigCode has layers of GPT-2's names that are linear", () => {
  const shapes = { "transformer.h.0.attn.c_attn.weight": [24, 8] };
  expect(layers("GPTBigCodeForCausalLM", "gpt_bigcode", shapes)).toEqual([
    `transformer.h.0.attn.c_attn ${KIND_LINEAR} 8→24`,
  ]);
});

test("GPT-NeoX has another head, ALBERT a linear layer that is called after embeddings, vision models convolutions", () => {
  expect(layers("GPTNeoXForCausalLM", "gpt_neox", { "gpt_neox.embed_in.weight": [32, 8] })[1]).toBe(
    `embed_out ${KIND_LINEAR} 8→32`,
  );
  const albert = { "albert.encoder.embedding_hidden_mapping_in.weight": [16, 8] };
  expect(layers("AlbertForMaskedLM", "albert", albert)[0]).toContain(` ${KIND_LINEAR} 8→16`);
  const vision = { "vit.embeddings.patch_embeddings.projection.weight": [8, 3, 16, 16] };
  expect(layers("ViTModel", "vit", vision)).toEqual([
    `vit.embeddings.patch_embeddings.projection ${KIND_CONVOLUTION} 3→8`,
  ]);
});
