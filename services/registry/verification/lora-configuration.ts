import { limits } from "../../kit/limits.ts";
import { ConfigurationFields, type NumberForm } from "./configuration-fields.ts";
import type { ReportField } from "./faults.ts";
import { decodeUtf8, type JsonObject, JsonProblem, parseStrictJson } from "./strict-json.ts";
import { reportUnsupported } from "./unsupported-features.ts";

/** What `adapter_config.json` says of a LoRA adapter. Names and meaning are PEFT's. */
export interface LoraConfiguration {
  /** `base_model_name_or_path`; empty where it does not say. */
  readonly baseModel: string;
  /** Of the base model; empty where it does not say. */
  readonly revision: string;
  readonly rank: number;
  readonly alpha: number;
  /** The first pattern that matches a layer has its rank. */
  readonly rankPattern: ReadonlyMap<string, number>;
  readonly alphaPattern: ReadonlyMap<string, number>;
  readonly useRslora: boolean;
  readonly useDora: boolean;
  readonly loraBias: boolean;
  /** `fan_in_fan_out`. */
  readonly isTransposed: boolean;
  /** Names, or a regular expression (or `all-linear`). */
  readonly targetModules: readonly string[] | string;
  readonly excludeModules: readonly string[] | string;
  readonly layersToTransform: readonly number[] | undefined;
  readonly layersPattern: readonly string[];
  /** Names of parameters that no module in `targetModules` has. */
  readonly targetParameters: readonly string[];
  readonly modulesToSave: readonly string[];
  /** Rows of the input embedding, or of embeddings by name. */
  readonly trainableTokens: readonly number[] | ReadonlyMap<string, readonly number[]> | undefined;
  /** How the weights were first made: `true`, `false`, or a name in small letters, e.g. `pissa`. */
  readonly initialization: string;
  /** True for an Activated LoRA, which acts from the invocation tokens on; without tokens it is none. */
  readonly isActivated: boolean;
  readonly bias: Bias;
  readonly dropout: number;
  /** Of `r` and `lora_alpha` those that the file leaves out, with what PEFT takes instead. */
  readonly defaults: ReadonlyMap<string, number>;
  readonly taskType: string;
  readonly peftVersion: string;
  /** The file as it was. */
  readonly text: string;
}

const biases = ["none", "all", "lora_only"] as const;
export type Bias = (typeof biases)[number];

/** What PEFT takes where the file does not say. */
const numberDefaults = { r: 8, lora_alpha: 8 } as const;

const rankForm: NumberForm = {
  expected: `a whole number from 1 to ${limits.adapter_rank} (adapter_rank)`,
  isWhole: true,
  accepts: (value) => value >= 1 && value <= limits.adapter_rank,
};
const alphaForm: NumberForm = { expected: "a number above 0", isWhole: false, accepts: (value) => value > 0 };
const share: NumberForm = { expected: "0 to 1", isWhole: false, accepts: (value) => value >= 0 && value <= 1 };

/** Names of modules; `.` separates their parts. */
const moduleName = /^[\w.-]+$/;

const initializations = /^(gaussian|eva|olora|pissa|pissa_niter_\d{1,9}|corda|loftq|orthogonal|mica|lora_ga)$/i;
const taskTypes = ["SEQ_CLS", "SEQ_2_SEQ_LM", "CAUSAL_LM", "TOKEN_CLS", "QUESTION_ANS", "FEATURE_EXTRACTION"] as const;

/** What is wrong with a file of so many bytes; undefined where nothing is. */
export function sizeProblem(byteCount: number): string | undefined {
  const maximum = limits.adapter_configuration_bytes;
  return byteCount > maximum
    ? `has ${byteCount} bytes; the limit adapter_configuration_bytes is ${maximum}`
    : undefined;
}

/** Reads `adapter_config.json`, and reports what is wrong with each field. Undefined where nothing can be read. Keys that are not PEFT's are kept in `text`. */
export function readConfiguration(bytes: Uint8Array, report: ReportField): LoraConfiguration | undefined {
  const text = decodeUtf8(bytes);
  if (text === undefined) {
    report("", "is not UTF-8");
    return undefined;
  }
  const object = parse(text, report);
  return object && readObject(object, text, report);
}

function parse(text: string, report: ReportField): JsonObject | undefined {
  try {
    const value = parseStrictJson(text, { depth: limits.adapter_configuration_depth });
    if (value instanceof Map) return value;
    report("", "is no JSON object");
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    report("", `is no JSON: it ${error.message}`);
  }
  return undefined;
}

function readObject(object: JsonObject, text: string, report: ReportField): LoraConfiguration | undefined {
  const fields = new ConfigurationFields(object, report);
  if (fields.get("peft_type") !== "LORA") {
    report(
      "peft_type",
      `is ${JSON.stringify(fields.get("peft_type") ?? null)}; only LORA is supported`,
      "Train a LoRA",
    );
    return undefined;
  }
  reportUnsupported(object, report);
  const configuration = readFields(fields, text);
  if ((fields.get("target_modules") ?? null) === null) {
    report(
      "target_modules",
      "is missing or null; PEFT would choose layers by itself",
      "Name the layers, or write [] for none",
    );
  }
  reportContradictions(configuration, report);
  return configuration;
}

function readFields(fields: ConfigurationFields, text: string): LoraConfiguration {
  return {
    ...readScaling(fields),
    ...readTargets(fields),
    baseModel: fields.text("base_model_name_or_path"),
    revision: fields.text("revision"),
    useDora: fields.boolean("use_dora"),
    loraBias: fields.boolean("lora_bias"),
    isTransposed: fields.boolean("fan_in_fan_out"),
    initialization: fields.flagOrWord("init_lora_weights", "true", initializations),
    isActivated: (fields.indices("alora_invocation_tokens") ?? []).length > 0,
    bias: fields.oneOf("bias", biases, "none"),
    dropout: fields.number("lora_dropout", 0, share),
    taskType: fields.get("task_type") === null ? "" : fields.oneOf("task_type", taskTypes, ""),
    peftVersion: fields.text("peft_version"),
    text,
  };
}

function readScaling(
  fields: ConfigurationFields,
): Pick<LoraConfiguration, "rank" | "alpha" | "rankPattern" | "alphaPattern" | "useRslora" | "defaults"> {
  return {
    rank: fields.number("r", numberDefaults.r, rankForm),
    alpha: fields.number("lora_alpha", numberDefaults.lora_alpha, alphaForm),
    rankPattern: fields.numbers("rank_pattern", rankForm),
    alphaPattern: fields.numbers("alpha_pattern", alphaForm),
    useRslora: fields.boolean("use_rslora"),
    defaults: new Map(Object.entries(numberDefaults).filter(([field]) => fields.get(field) === undefined)),
  };
}

function readTargets(
  fields: ConfigurationFields,
): Pick<
  LoraConfiguration,
  | "targetModules"
  | "targetParameters"
  | "excludeModules"
  | "layersToTransform"
  | "layersPattern"
  | "modulesToSave"
  | "trainableTokens"
> {
  const layersPattern = fields.namesOrText("layers_pattern");
  return {
    targetModules: fields.namesOrText("target_modules"),
    targetParameters: fields.names("target_parameters"),
    excludeModules: fields.namesOrText("exclude_modules"),
    layersToTransform: fields.indices("layers_to_transform"),
    layersPattern: typeof layersPattern === "string" ? [layersPattern].filter((name) => name !== "") : layersPattern,
    modulesToSave: fields.names("modules_to_save"),
    trainableTokens: fields.indicesByName("trainable_token_indices"),
  };
}

/** What PEFT refuses, and names that would have to be read as regular expressions. */
function reportContradictions(configuration: LoraConfiguration, report: ReportField): void {
  const { targetModules, targetParameters, layersToTransform, layersPattern, modulesToSave } = configuration;
  if (targetModules.length === 0 && targetParameters.length === 0) {
    report("target_modules", "is empty, as target_parameters", "Name the layers");
  }
  if (typeof targetModules === "string" && (layersToTransform !== undefined || layersPattern.length > 0)) {
    report("layers_to_transform", "goes with a list of target_modules, not with a regular expression");
  }
  if (configuration.loraBias && configuration.useDora) report("lora_bias", "does not go with use_dora");
  if (targetParameters.length > 0) reportWithParameters(configuration, report);
  reportPatterns("layers_pattern", layersPattern, report);
  reportPatterns("modules_to_save", modulesToSave, report);
}

/** What PEFT has for modules only. */
function reportWithParameters(
  { useDora, loraBias, dropout, isTransposed, initialization }: LoraConfiguration,
  report: ReportField,
): void {
  const others = {
    use_dora: useDora,
    lora_bias: loraBias,
    lora_dropout: dropout > 0,
    fan_in_fan_out: isTransposed,
    init_lora_weights: !["true", "false", "gaussian", "eva"].includes(initialization),
  };
  for (const [field, isOn] of Object.entries(others)) if (isOn) report(field, "does not go with target_parameters");
}

function reportPatterns(field: string, names: readonly string[], report: ReportField): void {
  const maximum = limits.adapter_module_names;
  if (names.length > maximum) report(field, `has ${names.length} names; the limit adapter_module_names is ${maximum}`);
  const bad = names.find((name) => !moduleName.test(name));
  if (bad !== undefined) report(field, `has ${JSON.stringify(bad.slice(0, 120))}, which is no name of a module`);
}
