import { type Layer, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { isParameter } from "./layer-kinds.ts";
import type { LoraConfiguration } from "./lora-configuration.ts";
import type { Target } from "./targets.ts";

/** What PEFT puts before the names of all modules in a saved adapter. */
export const namePrefix = "base_model.model.";

/** Length of an axis; undefined for one that is not known. */
export type Axis = number | undefined;

/** A tensor that a target must have. */
export interface ExpectedTensor {
  readonly name: string;
  /** All axes; of a convolution the first two. */
  readonly shape: readonly Axis[];
  /** Axis that is the rank; absent where none is. */
  readonly rankAxis?: 0 | 1;
}

/** The tensors of one target, first the matrix that comes first. */
export function expectedTensors(target: Target, configuration: LoraConfiguration): ExpectedTensor[] {
  if (target.isParameter) return parameterMatrices(target);
  const { layer } = target;
  const tensors = matrices(target);
  const { useDora, loraBias } = configuration;
  const isConvolution = layer.kind === Layer_Kind.KIND_CONVOLUTION;
  const length = layer.outputFeatures;
  if (useDora) {
    tensors.push({
      name: tensorName(layer.name, "lora_magnitude_vector"),
      shape: isConvolution ? [1, length] : [length],
    });
  }
  if (loraBias) tensors.push({ name: tensorName(layer.name, "lora_B.bias"), shape: [length] });
  return tensors;
}

function matrices({ layer, rank }: Target): ExpectedTensor[] {
  const { kind, inputFeatures, outputFeatures } = layer;
  const [first, second] =
    kind === Layer_Kind.KIND_EMBEDDING ? ["lora_embedding_A", "lora_embedding_B"] : ["lora_A.weight", "lora_B.weight"];
  // A convolution in groups has fewer inputs a group.
  const inputs = kind === Layer_Kind.KIND_CONVOLUTION ? undefined : inputFeatures;
  return [
    { name: tensorName(layer.name, first as string), shape: [rank, inputs], rankAxis: 0 },
    { name: tensorName(layer.name, second as string), shape: [outputFeatures, rank], rankAxis: 1 },
  ];
}

/** Those of several experts lie beside one another; of one with two axes PEFT takes the second for its inputs. */
function parameterMatrices({ layer, prefix, rank }: Target): ExpectedTensor[] {
  const [outputs, inputs] = weightShape(layer);
  // The weight of a layer is one matrix.
  const ranks = rank * (isParameter(layer) ? layer.matrixCount : 1);
  return [
    { name: tensorName(prefix, "lora_A.weight"), shape: [ranks, inputs], rankAxis: 0 },
    { name: tensorName(prefix, "lora_B.weight"), shape: [outputs, ranks], rankAxis: 1 },
  ];
}

/** Name of a tensor of a layer. @param layer its name, or what PEFT put around it */
export function tensorName(layer: string, part: string): string {
  return `${namePrefix}${layer}.${part}`;
}

/** Shape of the layer's own weight; of a parameter that of each of its matrices, as PEFT sees it. */
export function weightShape({ kind, inputFeatures, outputFeatures }: Layer): readonly Axis[] {
  const isInputFirst = kind === Layer_Kind.KIND_EMBEDDING || kind === Layer_Kind.KIND_TRANSPOSED_LINEAR;
  return isInputFirst
    ? [inputFeatures, outputFeatures]
    : [outputFeatures, kind === Layer_Kind.KIND_CONVOLUTION ? undefined : inputFeatures];
}

/** Convolutions have more axes than the two that are known. */
export function hasShape(actual: readonly number[], expected: readonly Axis[], { kind }: Pick<Layer, "kind">): boolean {
  const isLongEnough =
    kind === Layer_Kind.KIND_CONVOLUTION ? actual.length >= expected.length : actual.length === expected.length;
  return isLongEnough && expected.every((length, axis) => length === undefined || length === actual[axis]);
}
