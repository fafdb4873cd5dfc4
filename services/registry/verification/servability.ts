import { type BaseModel, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { Servability } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { ChangedLayers } from "./check-tensors.ts";
import type { LoraConfiguration } from "./lora-configuration.ts";
import { isLinear, type Target } from "./targets.ts";

/** The values that vLLM takes for `--max-lora-rank`. */
export const vllmRanks = [1, 8, 16, 32, 64, 128, 256, 320, 512] as const;

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
  const rank = vllmRank(maximumRank(adapter.targets));
  return [
    { engine: "peft", servable: true, problems: [], minimumMaxLoraRank: 0 },
    {
      engine: "vllm",
      servable: problems.length === 0,
      problems,
      minimumMaxLoraRank: problems.length === 0 ? (rank ?? 0) : 0,
    },
  ];
}

export function maximumRank(targets: readonly Target[]): number {
  return targets.reduce((maximum, { rank }) => Math.max(maximum, rank), 0);
}

/** The least `--max-lora-rank` for a rank; undefined above the largest. */
export function vllmRank(rank: number): number | undefined {
  return vllmRanks.find((legal) => legal >= rank);
}

const merge = "merge the adapter into the base model, and serve that";

/** What vLLM 0.32 refuses when it loads an adapter, and what it would take and answer wrong. */
function vllmProblems(adapter: SoundAdapter): string[] {
  return [...configurationProblems(adapter), ...targetProblems(adapter)];
}

function configurationProblems({ configuration, changed }: SoundAdapter): string[] {
  const { useDora, loraBias, bias, modulesToSave, trainableTokens, isActivated, initialization } = configuration;
  const problems: readonly [boolean, string][] = [
    [useDora, `vLLM has no DoRA; ${merge}`],
    [loraBias, `vLLM has no biases in lora_B; ${merge}`],
    [bias !== "none", `vLLM takes no trained biases (bias is ${bias}); ${merge}`],
    [modulesToSave.length > 0, `vLLM takes no modules_to_save (${modulesToSave.join(", ")}); ${merge}`],
    [trainableTokens !== undefined, `vLLM takes no trained tokens (trainable_token_indices); ${merge}`],
    [changed.replacesWeights && modulesToSave.length === 0 && bias === "none", `vLLM takes no whole embeddings; ${merge}`],
    [isActivated, `vLLM would apply an activated LoRA (alora_invocation_tokens) to all tokens; ${merge}`],
    [
      changesBase(initialization),
      `init_lora_weights ${initialization} changed the base model's weights, which vLLM does not; save the adapter with path_initial_model_for_weight_conversion`,
    ],
  ];
  return problems.flatMap(([applies, problem]) => (applies ? [problem] : []));
}

/** Ways to begin that take from the base model's weights what they put into the adapter. PEFT does it again when it loads. */
function changesBase(initialization: string): boolean {
  return /^(pissa|olora|corda|loftq|lora_ga)/i.test(initialization);
}

function targetProblems({ targets, configuration }: SoundAdapter): string[] {
  const problems: string[] = [];
  const rank = maximumRank(targets);
  if (vllmRank(rank) === undefined) problems.push(`vLLM takes ranks up to ${vllmRanks.at(-1)}, not ${rank}; ${merge}`);
  const other = targets.find(({ layer }) => !isLinear(layer));
  if (other !== undefined) problems.push(`vLLM adapts no ${kindName(other.layer.kind)} (${other.layer.name}); ${merge}`);
  const scaling = scalingOf(configuration, configuration.rank, configuration.alpha);
  const odd = targets.find((target) => !isNearly(scalingOf(configuration, target.rank, target.alpha), scaling));
  if (odd !== undefined) {
    problems.push(`vLLM scales all layers alike, and ${odd.layer.name} has a rank or alpha of its own; ${merge}`);
  }
  return problems;
}

function kindName(kind: Layer_Kind): string {
  return kind === Layer_Kind.KIND_EMBEDDING ? "embedding" : "convolution";
}

function scalingOf({ useRslora }: LoraConfiguration, rank: number, alpha: number): number {
  return alpha / (useRslora ? Math.sqrt(rank) : rank);
}

function isNearly(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b));
}
