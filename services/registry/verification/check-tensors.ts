import type { BaseModel, Layer } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import {
  type Axis,
  type ExpectedTensor,
  expectedTensors,
  hasShape,
  namePrefix,
  tensorName,
} from "./expected-tensors.ts";
import type { Faults, ReportField } from "./faults.ts";
import { isOfSingleExpert, isParameter } from "./layer-kinds.ts";
import type { LoraConfiguration } from "./lora-configuration.ts";
import { savedModules } from "./module-names.ts";
import type { Tensor } from "./safetensors-header.ts";
import { shownText } from "./strict-json.ts";
import type { Target } from "./targets.ts";
import { weightTypes } from "./tensor-types.ts";
import { tokenTensors } from "./token-tensors.ts";
import { WholeTensors } from "./whole-tensors.ts";

/** What the tensors of an adapter turned out to change. */
export interface ChangedLayers {
  /** Names of layers of the base model. */
  readonly layers: ReadonlySet<string>;
  /** Tensors that replace weights of the base model, and are not only added to them. */
  readonly replaced: readonly string[];
}

export interface TensorCheck {
  readonly tensors: readonly Tensor[];
  readonly targets: readonly Target[];
  readonly configuration: LoraConfiguration;
  readonly base: BaseModel;
}

/** Checks that an adapter's tensors are exactly those that its configuration and base model ask for. Reports every fault with the tensor's name. */
export function checkTensors(check: TensorCheck, faults: Faults, report: ReportField): ChangedLayers {
  return new Checker(check, faults).check(report);
}

class Checker {
  readonly #check: TensorCheck;
  readonly #faults: Faults;
  readonly #left: Map<string, Tensor>;
  readonly #layers = new Set<string>();
  readonly #replaced: string[] = [];

  constructor(check: TensorCheck, faults: Faults) {
    this.#check = check;
    this.#faults = faults;
    this.#left = new Map(check.tensors.map((tensor) => [tensor.name, tensor]));
  }

  check(report: ReportField): ChangedLayers {
    const { tensors, targets } = this.#check;
    for (const tensor of tensors) this.#checkType(tensor, weightTypes);
    for (const target of targets) this.#checkTarget(target);
    this.#checkTokens(report);
    this.#checkSavedLayers();
    this.#checkLeft();
    return { layers: this.#layers, replaced: this.#replaced };
  }

  #checkTarget(target: Target): void {
    const { layer } = target;
    this.#layers.add(layer.name);
    const [first, ...others] = expectedTensors(target, this.#check.configuration).map((expected) =>
      this.#take(expected, layer),
    );
    const second = others[0];
    if (first !== undefined && second !== undefined) this.#checkType(second, [first.type]);
  }

  #checkTokens(report: ReportField): void {
    const { configuration, base } = this.#check;
    for (const token of tokenTensors(configuration, base, (name) => this.#left.has(name), report)) {
      if (!token.isRequired && !this.#left.has(token.name)) continue;
      this.#layers.add(token.layer.name);
      this.#take(token, token.layer);
    }
  }

  /** A layer that was trained as a whole has its weight in the file. */
  #checkSavedLayers(): void {
    const { configuration, base, tensors } = this.#check;
    const isSaved = savedModules(configuration.modulesToSave);
    const hasExperts = tensors.some(({ name }) => isOfSingleExpert(name));
    for (const layer of base.layers) {
      if (layer.onlyInFiles || (isOfSingleExpert(layer.name) && !hasExperts)) continue;
      const name = isParameter(layer) ? `${namePrefix}${layer.name}` : tensorName(layer.name, "weight");
      if (isSaved(layer.name) && !this.#left.has(name)) this.#missing(name);
    }
  }

  #checkLeft(): void {
    const { configuration, base } = this.#check;
    const whole = new WholeTensors(configuration, base, new Set(this.#check.targets.map(({ prefix }) => prefix)));
    for (const tensor of this.#left.values()) {
      const found = whole.find(tensor.name);
      if (found === undefined) this.#unexpected(tensor);
      else {
        if (found.isCopy !== true) this.#replaced.push(tensor.name);
        if (found.layer !== undefined) this.#layers.add(found.layer.name);
        if (found.layer !== undefined && found.shape !== undefined) this.#checkShape(tensor, found.shape, found.layer);
      }
    }
  }

  #take(expected: ExpectedTensor, layer: Layer): Tensor | undefined {
    const tensor = this.#left.get(expected.name);
    if (tensor === undefined) this.#missing(expected.name);
    else {
      this.#left.delete(expected.name);
      this.#checkShape(tensor, expected.shape, layer, expected.rankAxis);
    }
    return tensor;
  }

  #checkType({ name, type }: Tensor, types: readonly string[]): void {
    if (types.includes(type)) return;
    const expected = types.join(", ");
    const message = `Tensor ${shownText(name)} is of type ${type}; expected ${expected}. Save the adapter again in one type.`;
    this.#faults.add("ADAPTER_TENSOR_TYPE", message, { tensor: name, expected, actual: type });
  }

  #checkShape({ name, shape }: Tensor, expected: readonly Axis[], layer: Layer, rankAxis?: 0 | 1): void {
    if (hasShape(shape, expected, layer)) return;
    const [is, should] = [shapeText(shape), shapeText(expected)];
    const otherRank = rankAxis !== undefined && hasShape(shape, expected.with(rankAxis, undefined), layer);
    const remedy = otherRank
      ? `Its rank is ${shape[rankAxis]}, not ${expected[rankAxis]}: correct r or rank_pattern in adapter_config.json`
      : "Name the base model that it was trained on";
    const message = `Tensor ${shownText(name)} has the shape ${is}; expected ${should}. ${remedy}.`;
    this.#faults.add("ADAPTER_SHAPE_MISMATCH", message, { tensor: name, expected: should, actual: is });
  }

  #missing(tensor: string): void {
    const message = `There is no tensor ${shownText(tensor)}. Save the adapter again with save_pretrained(), or correct target_modules.`;
    this.#faults.add("ADAPTER_TENSOR_MISSING", message, { tensor });
  }

  #unexpected({ name }: Tensor): void {
    const message = `adapter_config.json asks for no tensor ${shownText(name)}. Correct the configuration, or remove the tensor.`;
    this.#faults.add("ADAPTER_TENSOR_UNEXPECTED", message, { tensor: name });
  }
}

function shapeText(shape: readonly Axis[]): string {
  return `(${shape.map((length) => length ?? "any").join(", ")})`;
}
