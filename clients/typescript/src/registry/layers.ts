import { Layer, Layer_Kind } from "../../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { TensorEntry } from "./safetensors-header.ts";

/** What of a `config.json` tells what tensors are. */
export interface Architecture {
  /** e.g. `GPT2LMHeadModel`; empty where unknown. */
  readonly name: string;
  /** e.g. `gpt2`; empty where unknown. */
  readonly modelType: string;
  /** 0 where unknown. */
  readonly vocabularySize: number;
}

/** Models whose linear layers are `Conv1D`: they keep their weights the other way round. */
const TRANSPOSED_MODELS: ReadonlySet<string> = new Set(["gpt2", "openai-gpt", "imagegpt", "decision_transformer"]);
const TRANSPOSED_LAYER = /(^|\.)(c_attn|c_proj|c_fc|q_attn)$/;
const EMBEDDING =
  /(^|\.)(wte|wpe|shared|relative_attention_bias|embed_in|embed_tokens|embed_positions|\w*embeddings?)$/;
const WITH_HEAD = /(ForCausalLM|LMHeadModel)$/;

/**
 * The layers that a model's tensors are the weights of, named as transformers names the modules. A tensor `x.weight` of rank 2 is a linear layer or an
 * embedding, of a higher rank a convolution. A model that writes a checkpoint without its head, or whose parts share an embedding, has all of them all the same.
 */
export function layersOf(tensors: readonly TensorEntry[], architecture: Architecture): Layer[] {
  const prefix = missingPrefix(tensors, architecture);
  const layers = tensors.flatMap(({ name, shape }) => {
    const module = /^(.+)\.weight$/.exec(name)?.[1];
    if (module === undefined || shape.length < 2) return [];
    return [layerOf(isHead(module) ? module : prefix + module, shape, architecture)];
  });
  return [...layers, ...sharingEmbedding(layers, architecture), ...sharedHead(layers, architecture)];
}

function layerOf(
  name: string,
  [first = 0, second = 0, ...others]: readonly number[],
  architecture: Architecture,
): Layer {
  if (others.length > 0) return newLayer(name, Layer_Kind.KIND_CONVOLUTION, second, first);
  if (EMBEDDING.test(name)) return newLayer(name, Layer_Kind.KIND_EMBEDDING, first, second);
  if (TRANSPOSED_MODELS.has(architecture.modelType) && TRANSPOSED_LAYER.test(name))
    return newLayer(name, Layer_Kind.KIND_TRANSPOSED_LINEAR, first, second);
  return newLayer(name, Layer_Kind.KIND_LINEAR, second, first);
}

function newLayer(name: string, kind: Layer_Kind, inputFeatures: number, outputFeatures: number): Layer {
  return Layer.create({ name, kind, inputFeatures, outputFeatures });
}

/** Some checkpoints were saved from the model without its head: their blocks are at the top. */
function missingPrefix(tensors: readonly TensorEntry[], { name, modelType }: Architecture): string {
  if (!WITH_HEAD.test(name)) return "";
  if (tensors.some((tensor) => tensor.name.startsWith("h.0."))) return "transformer.";
  if (!tensors.some((tensor) => tensor.name.startsWith("layers.0."))) return "";
  return modelType === "gpt_neox" ? "gpt_neox." : "model.";
}

/** An encoder, a decoder and a head that share one embedding have none of their own, as in T5 and BART. */
function sharingEmbedding(layers: readonly Layer[], { name }: Architecture): Layer[] {
  const shared = layers.find((layer) => /(^|\.)shared$/.test(layer.name));
  if (shared === undefined) return [];
  const names = layers.map((layer) => layer.name);
  const prefix = shared.name.slice(0, -"shared".length);
  const parts = [`${prefix}encoder.`, `${prefix}decoder.`].filter((part) => names.some((own) => own.startsWith(part)));
  const embeddings = parts.map((part) => ({ ...shared, name: `${part}embed_tokens` }));
  const head = newLayer("lm_head", Layer_Kind.KIND_LINEAR, shared.outputFeatures, shared.inputFeatures);
  const sharing = name.endsWith("ForConditionalGeneration") ? [...embeddings, head] : embeddings;
  return sharing.filter((layer) => !names.includes(layer.name));
}

/** A head that shares the embedding's weights has none of its own. */
function sharedHead(layers: readonly Layer[], { name, modelType, vocabularySize }: Architecture): Layer[] {
  const embeddings = layers.filter(({ kind }) => kind === Layer_Kind.KIND_EMBEDDING);
  const embedding = embeddings.find(({ inputFeatures }) => inputFeatures === vocabularySize) ?? embeddings[0];
  if (!WITH_HEAD.test(name) || embedding === undefined || layers.some((layer) => isHead(layer.name))) return [];
  const head = modelType === "gpt_neox" ? "embed_out" : "lm_head";
  const { inputFeatures: tokens, outputFeatures: width } = embedding;
  return [newLayer(head, Layer_Kind.KIND_LINEAR, width, tokens)];
}

function isHead(module: string): boolean {
  return /(^|\.)(lm_head|embed_out)$|^output$/.test(module);
}
