import type { BaseModel, Layer } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { type Axis, namePrefix, weightShape } from "./expected-tensors.ts";
import { isEmbedding } from "./layer-kinds.ts";
import type { LoraConfiguration } from "./lora-configuration.ts";
import { savedModules } from "./module-names.ts";

/** Why a tensor that belongs to no pair of matrices may be there. */
export interface WholeTensor {
  /** What it must look like; undefined where the base model does not say. */
  readonly shape: readonly Axis[] | undefined;
  /** The layer that it is of; undefined for a module that is no layer. */
  readonly layer: Layer | undefined;
  /** True for a weight of the base model that is there only because a pair of matrices is added to it. */
  readonly isCopy?: boolean;
}

/** What PEFT saves beside the matrices: modules to save, biases, and embeddings of which it assumes that they were resized. */
export class WholeTensors {
  readonly #configuration: LoraConfiguration;
  readonly #base: BaseModel;
  readonly #layers: ReadonlyMap<string, Layer>;
  readonly #targets: ReadonlySet<string>;
  readonly #isSaved: (module: string) => boolean;

  /** @param targets what the names of pairs of matrices begin with, mostly names of layers */
  constructor(configuration: LoraConfiguration, base: BaseModel, targets: ReadonlySet<string>) {
    this.#configuration = configuration;
    this.#base = base;
    this.#layers = new Map(base.layers.map((layer) => [layer.name, layer]));
    this.#targets = targets;
    this.#isSaved = savedModules(configuration.modulesToSave);
  }

  /** Undefined where PEFT would save no such tensor. */
  find(tensor: string): WholeTensor | undefined {
    const [module, parameter] = partsOf(tensor);
    if (module === undefined) return undefined;
    return this.#savedModule(module, parameter) ?? this.#embedding(module, parameter) ?? this.#bias(module, parameter);
  }

  #savedModule(module: string, parameter: string): WholeTensor | undefined {
    if (!this.#isSaved(module)) return undefined;
    const layer = this.#layers.get(module);
    return { shape: layer && parameterShape(layer, parameter), layer };
  }

  #embedding(module: string, parameter: string): WholeTensor | undefined {
    const name = module.replace(/\.base_layer$/, "");
    const layer = this.#layers.get(name);
    const isTargeted = name !== module;
    if (layer === undefined || parameter !== "weight" || isTargeted !== this.#targets.has(name)) return undefined;
    return isEmbedding(layer, this.#base) ? { shape: weightShape(layer), layer, isCopy: isTargeted } : undefined;
  }

  #bias(module: string, parameter: string): WholeTensor | undefined {
    const name = module.replace(/\.base_layer$/, "");
    const isTarget = this.#targets.has(name);
    const isWanted = this.#configuration.bias === "all" || (this.#configuration.bias === "lora_only" && isTarget);
    if (parameter !== "bias" || !isWanted || (name !== module) !== isTarget) return undefined;
    const layer = this.#layers.get(name);
    return { shape: [layer?.outputFeatures], layer };
  }
}

/** The module without the prefix of all names, and the parameter. */
function partsOf(tensor: string): readonly [module: string | undefined, parameter: string] {
  const dot = tensor.lastIndexOf(".");
  const hasPrefix = tensor.startsWith(namePrefix) && dot >= namePrefix.length;
  return [hasPrefix ? tensor.slice(namePrefix.length, dot) : undefined, tensor.slice(dot + 1)];
}

function parameterShape(layer: Layer, parameter: string): readonly Axis[] | undefined {
  if (parameter === "weight") return weightShape(layer);
  return parameter === "bias" ? [layer.outputFeatures] : undefined;
}
