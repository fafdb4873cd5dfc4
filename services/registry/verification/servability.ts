import type { Servability } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { BaseModel } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { ChangedLayers } from "./check-tensors.ts";
import type { LoraConfiguration } from "./lora-configuration.ts";
import type { Target } from "./targets.ts";
import { namedRank, vllmProblems, vllmRank } from "./vllm.ts";

/** What was found of an adapter that has no fault. */
export interface SoundAdapter {
  readonly configuration: LoraConfiguration;
  readonly targets: readonly Target[];
  readonly changed: ChangedLayers;
  readonly base: BaseModel;
}

/** Where a sound adapter can be served, by engine, and why not. */
export function servabilityOf(adapter: SoundAdapter): Servability[] {
  const problems = vllmProblems(adapter);
  const rank = problems.length === 0 ? vllmRank(namedRank(adapter.configuration)) : 0;
  return [
    { engine: "peft", servable: true, problems: [], minimumMaxLoraRank: 0 },
    { engine: "vllm", servable: problems.length === 0, problems, minimumMaxLoraRank: rank ?? 0 },
  ];
}

export function maximumRank(targets: readonly Target[]): number {
  return targets.reduce((maximum, { rank }) => Math.max(maximum, rank), 0);
}
