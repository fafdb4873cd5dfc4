import type { PeftConfiguration } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { inByteOrder } from "../../kit/byte-order.ts";
import type { ChangedLayers } from "./check-tensors.ts";
import type { LoraConfiguration } from "./lora-configuration.ts";
import type { Tensor } from "./safetensors-header.ts";
import { maximumRank } from "./servability.ts";
import type { Target } from "./targets.ts";

/** What is kept of an adapter's configuration, and what its tensors tell. */
export function peftConfiguration(
  configuration: LoraConfiguration,
  targets: readonly Target[],
  tensors: readonly Tensor[],
  { layers }: ChangedLayers,
): PeftConfiguration {
  const { targetModules } = configuration;
  const isPattern = typeof targetModules === "string";
  return {
    r: configuration.rank,
    loraAlpha: configuration.alpha,
    rankPattern: Object.fromEntries(configuration.rankPattern),
    alphaPattern: Object.fromEntries(configuration.alphaPattern),
    useRslora: configuration.useRslora,
    useDora: configuration.useDora,
    targetModules: isPattern ? [] : targetModules.toSorted(),
    targetModulesPattern: isPattern ? targetModules : "",
    targetParameters: configuration.targetParameters.toSorted(),
    loraDropout: configuration.dropout,
    bias: configuration.bias,
    modulesToSave: [...configuration.modulesToSave],
    loraBias: configuration.loraBias,
    taskType: configuration.taskType,
    peftVersion: configuration.peftVersion,
    configurationJson: configuration.text,
    maximumRank: maximumRank(targets),
    parameterCount: tensors.reduce((count, { elements }) => count + BigInt(elements), 0n),
    tensorTypes: [...new Set(tensors.map(({ type }) => type))].sort(),
    layers: inByteOrder(layers, (name) => name),
  };
}
