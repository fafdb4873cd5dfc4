import { type BaseModel, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { ChangedLayers } from "./check-tensors.ts";
import { namePrefix } from "./expected-tensors.ts";
import { isEmbedding } from "./layer-kinds.ts";
import type { LoraConfiguration } from "./lora-configuration.ts";
import type { SoundAdapter } from "./servability.ts";
import { shownText } from "./strict-json.ts";
import type { Target } from "./targets.ts";
import { classificationHead, isBesideLanguage, modelWithAdapters, withEmbeddings } from "./vllm-models.ts";

/** The values that vLLM takes for `--max-lora-rank`. */
export const vllmRanks = [1, 8, 16, 32, 64, 128, 256, 320, 512] as const;

/** Tokens of the largest vocabulary whose `lm_head` it adapts. */
const largestVocabulary = 258_048;

/** What it takes in `modules_to_save`. */
const heads: readonly string[] = ["classifier", "score"];

const merge = "merge the adapter into the base model, and serve that";
const elsewhere = "serve it by PEFT, or merge the adapter into the base model where vLLM has that";

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
    ...modelProblems(base),
    ...missingFields(configuration),
    ...configurationProblems(adapter),
    ...(vllmRank(rank) === undefined ? [`vLLM takes ranks up to ${vllmRanks.at(-1)}, not ${rank}; ${merge}`] : []),
    ...(target === undefined ? [] : [`vLLM ${target}; ${merge}`]),
  ];
}

function modelProblems({ architecture }: BaseModel): string[] {
  if (architecture === "") {
    return [
      "vLLM finds no model for a base model of unknown architecture; register it with architectures in config.json",
    ];
  }
  if (modelWithAdapters(architecture) !== undefined) return [];
  return [`vLLM has no model of its own with adapters for ${shownText(architecture)}; ${elsewhere}`];
}

/** What PEFT has a default for, and vLLM has none. */
function missingFields({ defaults }: LoraConfiguration): string[] {
  return [...defaults].map(
    ([field, value]) =>
      `vLLM loads no adapter without ${field} in adapter_config.json; write "${field}": ${value} there`,
  );
}

function configurationProblems({ configuration, changed, base }: SoundAdapter): string[] {
  const { useDora, loraBias, bias, modulesToSave, trainableTokens, isActivated, initialization } = configuration;
  const unknown = modulesToSave.filter((name) => !heads.includes(name));
  const replaced = bias === "none" && unknown.length === 0 ? replacedTensor(changed, base) : undefined;
  const problems: readonly [boolean, string, string?][] = [
    [useDora, "has no DoRA"],
    [loraBias, "has no biases in lora_B"],
    [bias !== "none", `takes no trained biases (bias is ${bias})`],
    [unknown.length > 0, `takes no modules_to_save (${unknown.join(", ")}) but ${heads.join(" and ")}`],
    [trainableTokens !== undefined, "takes no trained tokens (trainable_token_indices)"],
    [replaced !== undefined, `takes no whole weights but a classifier's of one linear layer (${replaced})`],
    [isActivated, "has no activated LoRA (alora_invocation_tokens)"],
    [
      changesBase(initialization),
      `does not change the base model's weights as init_lora_weights ${initialization} did`,
      convert,
    ],
  ];
  return problems.flatMap(([applies, problem, remedy = merge]) => (applies ? [`vLLM ${problem}; ${remedy}`] : []));
}

/** Whole weights other than those of the layer that it may replace. */
function replacedTensor({ replaced }: ChangedLayers, { architecture }: BaseModel): string | undefined {
  const head = classificationHead(architecture);
  const own = head === undefined ? [] : [`${namePrefix}${head}.weight`, `${namePrefix}${head}.bias`];
  return replaced.find((tensor) => !own.includes(tensor));
}

const convert = "save the adapter again with path_initial_model_for_weight_conversion";

/** Ways to begin that take nothing from the base model's weights, or give it back before the adapter is saved. PEFT repeats all others when it loads. */
const innocent: ReadonlySet<string> = new Set(["true", "false", "gaussian", "eva", "orthogonal", "mica", "lora_ga"]);

function changesBase(initialization: string): boolean {
  return !innocent.has(initialization);
}

function targetProblem({ layer, isParameter }: Target, base: BaseModel): string | undefined {
  const { kind, name } = layer;
  if (isBesideLanguage(name)) {
    return `passes over all but the language model (${name}), unless it runs with --enable-tower-connector-lora, which few models take`;
  }
  // Of a linear layer's weight it is the same as of the layer.
  if (isParameter && kind !== Layer_Kind.KIND_LINEAR) {
    return `reads the matrices of parameters (target_parameters: ${name}) wrongly for most models, and was not tried with them`;
  }
  if (kind === Layer_Kind.KIND_CONVOLUTION) return `adapts no convolution (${name})`;
  if (!isEmbedding(layer, base)) return undefined;
  const part = name.slice(name.lastIndexOf(".") + 1);
  const model = modelWithAdapters(base.architecture) ?? "";
  if (!withEmbeddings.has(model) || !["embed_tokens", "lm_head"].includes(part)) {
    return `adapts no embedding of ${base.architecture} (${name})`;
  }
  const isTooLarge = part === "lm_head" && base.vocabularySize > largestVocabulary;
  return isTooLarge ? `adapts lm_head for vocabularies of up to ${largestVocabulary} tokens` : undefined;
}
