import { type BaseModel, type Layer, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";

export function isLinear({ kind }: Layer): boolean {
  return kind === Layer_Kind.KIND_LINEAR || kind === Layer_Kind.KIND_TRANSPOSED_LINEAR;
}

/** Known by its own name, not by a module's. */
export function isParameter({ kind }: Layer): boolean {
  return kind === Layer_Kind.KIND_PARAMETER;
}

const singleExpert = /(?:^|\.)experts\.\d+\./;

/** Whether a layer, or a tensor, is of one expert of a mixture. */
export function isOfSingleExpert(name: string): boolean {
  return singleExpert.test(name);
}

/** What makes logits of the hidden states: as wide as the vocabulary, and in none of the numbered blocks. */
export function isOutput(layer: Layer, { vocabularySize }: BaseModel): boolean {
  return isLinear(layer) && layer.outputFeatures === vocabularySize && !/\.\d+\./.test(layer.name);
}

/** Of inputs or outputs: it has a row for each token. */
export function isEmbedding(layer: Layer, base: BaseModel): boolean {
  return layer.kind === Layer_Kind.KIND_EMBEDDING || isOutput(layer, base);
}
