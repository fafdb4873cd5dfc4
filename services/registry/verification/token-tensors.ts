import { type BaseModel, type Layer, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { type Axis, tensorName } from "./expected-tensors.ts";
import type { ReportField } from "./faults.ts";
import type { LoraConfiguration } from "./lora-configuration.ts";

/** Changes of some rows of an embedding. */
export interface TokenTensor {
  readonly layer: Layer;
  readonly name: string;
  readonly shape: readonly Axis[];
  /** False where PEFT leaves it out when the layer shares its weight with another. */
  readonly isRequired: boolean;
}

/** The tensors that `trainable_token_indices` asks for. @param has tells whether the files have a tensor */
export function tokenTensors(
  { trainableTokens }: LoraConfiguration,
  base: BaseModel,
  has: (tensor: string) => boolean,
  report: ReportField,
): TokenTensor[] {
  if (trainableTokens === undefined) return [];
  const tensors =
    trainableTokens instanceof Map
      ? [...trainableTokens].flatMap(([name, rows]) => layersNamed(base, name).map((layer) => tokenTensor(layer, rows)))
      : inputEmbedding(base, has).map((layer) => tokenTensor(layer, trainableTokens as readonly number[]));
  if (tensors.length === 0) report("trainable_token_indices", "names no embedding of the base model");
  return tensors.filter(({ layer, rows }) => hasRows(layer, rows, report));
}

/** PEFT takes the model's input embedding; which one that is, the files tell. */
function inputEmbedding(base: BaseModel, has: (tensor: string) => boolean): Layer[] {
  const embeddings = base.layers.filter(({ kind }) => kind === Layer_Kind.KIND_EMBEDDING);
  return [embeddings.find((layer) => has(deltaName(layer))) ?? embeddings[0]].filter((layer) => layer !== undefined);
}

function layersNamed({ layers }: BaseModel, name: string): Layer[] {
  return layers.filter((layer) => layer.name.endsWith(name));
}

function tokenTensor(layer: Layer, rows: readonly number[]): TokenTensor & { readonly rows: readonly number[] } {
  const isRequired = layer.kind === Layer_Kind.KIND_EMBEDDING;
  const width = isRequired ? layer.outputFeatures : layer.inputFeatures;
  return { layer, name: deltaName(layer), shape: [rows.length, width], isRequired, rows };
}

function deltaName(layer: Layer): string {
  return tensorName(layer.name, "token_adapter.trainable_tokens_delta");
}

function hasRows(layer: Layer, rows: readonly number[], report: ReportField): boolean {
  const count = layer.kind === Layer_Kind.KIND_EMBEDDING ? layer.inputFeatures : layer.outputFeatures;
  const outside = rows.find((row) => row >= count);
  if (outside !== undefined)
    report("trainable_token_indices", `names row ${outside} of ${layer.name}, which has ${count}`);
  return outside === undefined;
}
