import { type BaseModel, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { isEmbedding } from "./layer-kinds.ts";
import type { LoraConfiguration } from "./lora-configuration.ts";
import type { SoundAdapter } from "./servability.ts";
import type { Target } from "./targets.ts";
import { withEmbeddings, withoutAdapters } from "./vllm-models.ts";

/** The values that vLLM takes for `--max-lora-rank`. */
export const vllmRanks = [1, 8, 16, 32, 64, 128, 256, 320, 512] as const;

/** Tokens of the largest vocabulary whose `lm_head` it adapts. */
const largestVocabulary = 258_048;

const merge = "merge the adapter into the base model, and serve that";

/** The least `--max-lora-rank` for a rank; undefined above the largest. */
export function vllmRank(rank: number): number | undefined {
  return vllmRanks.find((legal) => legal >= rank);
}

/** The rank that vLLM compares with `--max-lora-rank`: the largest that the configuration names, whether or not a layer has it. */
export function namedRank({ rank, rankPattern }: LoraConfiguration): number {
  return Math.max(rank, ...rankPattern.values());
}

/** What vLLM 0.32 refuses of a sound adapter when it loads it, and what it would take and answer wrong; each with what to do. */
export function vllmProblems(adapter: SoundAdapter): string[] {
  const { configuration, base, targets } = adapter;
  const rank = namedRank(configuration);
  const target = targets.map((one) => targetProblem(one, base)).find((problem) => problem !== undefined);
  return [
    ...(withoutAdapters.has(base.architecture) ? [`vLLM has no adapters for ${base.architecture}; ${merge}`] : []),
    ...configurationProblems(adapter),
    ...(vllmRank(rank) === undefined ? [`vLLM takes ranks up to ${vllmRanks.at(-1)}, not ${rank}; ${merge}`] : []),
    ...(target === undefined ? [] : [`vLLM ${target}; ${merge}`]),
  ];
}

function configurationProblems({ configuration, changed }: SoundAdapter): string[] {
  const { useDora, loraBias, bias, modulesToSave, trainableTokens, isActivated, initialization } = configuration;
  const replacesEmbeddings = changed.replacesWeights && modulesToSave.length === 0 && bias === "none";
  const problems: readonly [boolean, string, string?][] = [
    [useDora, "has no DoRA"],
    [loraBias, "has no biases in lora_B"],
    [bias !== "none", `takes no trained biases (bias is ${bias})`],
    [modulesToSave.length > 0, `takes no modules_to_save (${modulesToSave.join(", ")})`],
    [trainableTokens !== undefined, "takes no trained tokens (trainable_token_indices)"],
    [replacesEmbeddings, "takes no whole embeddings"],
    [isActivated, "has no activated LoRA (alora_invocation_tokens)"],
    [
      changesBase(initialization),
      `does not change the base model's weights as init_lora_weights ${initialization} did`,
      convert,
    ],
  ];
  return problems.flatMap(([applies, problem, remedy = merge]) => (applies ? [`vLLM ${problem}; ${remedy}`] : []));
}

const convert = "save the adapter again with path_initial_model_for_weight_conversion";

/** Ways to begin that take nothing from the base model's weights, or give it back before the adapter is saved. PEFT repeats all others when it loads. */
const innocent: ReadonlySet<string> = new Set(["true", "false", "gaussian", "eva", "orthogonal", "mica", "lora_ga"]);

function changesBase(initialization: string): boolean {
  return !innocent.has(initialization);
}

function targetProblem({ layer }: Target, base: BaseModel): string | undefined {
  const { kind, name } = layer;
  if (kind === Layer_Kind.KIND_CONVOLUTION) return `adapts no convolution (${name})`;
  if (!isEmbedding(layer, base)) return undefined;
  const part = name.slice(name.lastIndexOf(".") + 1);
  if (!withEmbeddings.has(base.architecture) || !["embed_tokens", "lm_head"].includes(part)) {
    return `adapts no embedding of ${base.architecture} (${name})`;
  }
  const isTooLarge = part === "lm_head" && base.vocabularySize > largestVocabulary;
  return isTooLarge ? `adapts lm_head for vocabularies of up to ${largestVocabulary} tokens` : undefined;
}
