import type { BaseModel, Layer } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { limits } from "../../kit/limits.ts";
import type { Faults, ReportField } from "./faults.ts";
import { isLinear, isOfSingleExpert, isOutput, isParameter } from "./layer-kinds.ts";
import type { LoraConfiguration } from "./lora-configuration.ts";
import { endsOf, FieldProblem, type NamePattern, NamePatterns } from "./module-names.ts";
import { chosenParameters } from "./parameter-targets.ts";
import { shownText } from "./strict-json.ts";

/** A layer or a parameter that an adapter changes by a pair of matrices. */
export interface Target {
  readonly layer: Layer;
  readonly rank: number;
  /** What patterns tell it by: the layer's name, or the parameter's. */
  readonly name: string;
  /** What the names of its tensors begin with, after `namePrefix`. */
  readonly prefix: string;
  /** True where `target_parameters` names it. */
  readonly isParameter: boolean;
}

export interface TargetQuestion {
  readonly configuration: LoraConfiguration;
  readonly base: BaseModel;
  /** Names of the modules that the files have matrices for. */
  readonly adapted: ReadonlySet<string>;
}

const remedy =
  "Write names, or a shorter expression without look-around, repetitions of what repeats or has alternatives, and more than three of * and + in a row";

/** Whether a layer is a target. */
type Choice = (layer: Layer) => boolean;

/** The layers that a configuration targets by PEFT's rules, each with its rank. Reports ADAPTER_TARGETS_UNKNOWN, and patterns that cannot be used. */
export function chooseTargets(question: TargetQuestion, faults: Faults, report: ReportField): Target[] {
  const { configuration } = question;
  try {
    const patterns = new NamePatterns();
    const layers = chosenLayers(question, patterns, faults);
    const parameters = chosenParameters(question, layers, faults, report);
    const rankOf = numberChoice("rank_pattern", configuration.rankPattern, patterns);
    const alphaOf = numberChoice("alpha_pattern", configuration.alphaPattern, patterns);
    const chosen = [...layers.map(layerTarget), ...parameters];
    const targets = chosen.map((target) => ({ ...target, rank: rankOf(target.name) ?? configuration.rank }));
    reportScaling(configuration, targets, alphaOf, report);
    return targets;
  } catch (error) {
    if (!(error instanceof FieldProblem)) throw error;
    report(error.field, error.message, remedy);
    return [];
  }
}

function layerTarget(layer: Layer): Omit<Target, "rank"> {
  return { layer, name: layer.name, prefix: layer.name, isParameter: false };
}

function chosenLayers(question: TargetQuestion, patterns: NamePatterns, faults: Faults): Layer[] {
  const { configuration, base } = question;
  // PEFT's `[]` for none but parameters.
  if (configuration.targetModules.length === 0) return [];
  reportUnknownNames(question, faults);
  const isTarget = targetChoice(configuration, base, patterns);
  const isExcluded = exclusion(configuration, patterns);
  const isThere = presence(question);
  const layers = base.layers.filter(
    (layer) => !isParameter(layer) && isTarget(layer) && !isExcluded(layer.name) && isThere(layer),
  );
  if (layers.length === 0 && configuration.targetParameters.length === 0)
    reportUnknown(String(configuration.targetModules), base, faults);
  return layers;
}

/**
 * A base model's files have matrices for each expert of a mixture, and for its router. From transformers 5 on the model keeps experts together, and they are no layers for PEFT: where an adapter has
 * nothing for any of them, none is a target.
 */
function presence({ adapted }: TargetQuestion): Choice {
  const hasExperts = adapted.values().some(isOfSingleExpert);
  return ({ name, onlyInFiles }) => (isOfSingleExpert(name) ? hasExperts : !onlyInFiles || adapted.has(name));
}

/** By `exclude_modules`; what `modules_to_save` names, or what lies in it, has no pair of matrices either. */
function exclusion(
  { excludeModules, modulesToSave }: LoraConfiguration,
  patterns: NamePatterns,
): (module: string) => boolean {
  const excluded = new Set(typeof excludeModules === "string" ? [] : excludeModules);
  const pattern = typeof excludeModules === "string" ? patterns.whole("exclude_modules", excludeModules) : undefined;
  const saved = modulesToSave.length > 0 ? new RegExp(`(?:^|\\.)(?:${modulesToSave.join("|")})(?:$|\\.)`) : undefined;
  return (module) =>
    pattern?.matches(module) === true ||
    (excluded.size > 0 && endsOf(module).some((end) => excluded.has(end))) ||
    saved?.test(module) === true;
}

function targetChoice(configuration: LoraConfiguration, base: BaseModel, patterns: NamePatterns): Choice {
  const { targetModules } = configuration;
  if (typeof targetModules !== "string") return listChoice(targetModules, configuration);
  if (targetModules.toLowerCase() === "all-linear") return (layer) => isLinear(layer) && !isOutput(layer, base);
  const pattern = patterns.whole("target_modules", targetModules);
  return (layer) => pattern.matches(layer.name);
}

/** A name in full is taken as it is; one that a module ends with, only in the layers to transform. */
function listChoice(names: readonly string[], configuration: LoraConfiguration): Choice {
  const all = new Set(names);
  const isTransformed = transformedChoice(configuration);
  return ({ name }) => all.has(name) || (endsOf(name).some((end) => all.has(end)) && isTransformed(name));
}

/** By the first number in the name that stands where `layers_pattern` says. */
function transformedChoice({ layersToTransform, layersPattern }: LoraConfiguration): (module: string) => boolean {
  if (layersToTransform === undefined || layersToTransform.length === 0) return () => true;
  const indices = new Set(layersToTransform);
  const expressions =
    layersPattern.length === 0
      ? [/^.*?\.[^.]*\.(\d+)\./]
      : layersPattern.map((pattern) => new RegExp(`^(?:|.*?\\.)${pattern}\\.(\\d+)\\.`));
  return (module) => {
    const match = expressions
      .values()
      .map((expression) => expression.exec(module))
      .find((found) => found !== null);
    return match !== undefined && indices.has(Number(match?.[1]));
  };
}

/** A number of a module by its name; undefined where no pattern matches. */
type NumberChoice = (module: string) => number | undefined;

/** PEFT's `get_pattern_key`: the first pattern that matches counts. */
function numberChoice(field: string, values: ReadonlyMap<string, number>, patterns: NamePatterns): NumberChoice {
  const numbers: [NamePattern, number][] = [...values].map(([pattern, value]) => [patterns.end(field, pattern), value]);
  return (module) => numbers.find(([pattern]) => pattern.matches(module))?.[1];
}

/** What a layer adds must be a number in every type that it is served in. */
function reportScaling(
  { alpha, useRslora }: LoraConfiguration,
  targets: readonly Target[],
  alphaOf: NumberChoice,
  report: ReportField,
): void {
  const maximum = limits.adapter_scaling;
  for (const { name, rank } of targets) {
    const own = alphaOf(name);
    const scaling = (own ?? alpha) / (useRslora ? Math.sqrt(rank) : rank);
    if (scaling <= maximum) continue;
    const problem = `is ${own ?? alpha} for ${shownText(name)} of rank ${rank}: it would be scaled by ${scaling}; the limit adapter_scaling is ${maximum}`;
    report(own === undefined ? "lora_alpha" : "alpha_pattern", problem);
    return;
  }
}

/** PEFT takes names in the list that the model does not have; but then it has made nothing of them. */
function reportUnknownNames({ configuration, base, adapted }: TargetQuestion, faults: Faults): void {
  const { targetModules } = configuration;
  const unknown = new Set(typeof targetModules === "string" ? [] : targetModules);
  for (const layer of base.layers) if (!isParameter(layer)) for (const end of endsOf(layer.name)) unknown.delete(end);
  if (unknown.size === 0) return;
  const used = new Set(adapted.values().flatMap((name) => endsOf(name).filter((end) => unknown.has(end))));
  for (const name of used) reportUnknown(name, base, faults);
}

function reportUnknown(target: string, base: BaseModel, faults: Faults): void {
  const message = `Base model ${base.name} has no layer for the target ${shownText(target)}. Correct target_modules, or name the right base model.`;
  faults.add("ADAPTER_TARGETS_UNKNOWN", message, { target, base_model: base.name });
}
