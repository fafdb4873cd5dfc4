import { type BaseModel, type Layer, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { Faults, ReportField } from "./faults.ts";
import { isOfSingleExpert, isParameter } from "./layer-kinds.ts";
import { endsOf } from "./module-names.ts";
import { shownText } from "./strict-json.ts";
import type { Target, TargetQuestion } from "./targets.ts";

/** A parameter that `target_parameters` names. */
type Parameter = Omit<Target, "rank">;

/**
 * The parameters that a configuration targets by PEFT's rules: those of no layer, and the weights of layers. Reports ADAPTER_TARGETS_UNKNOWN, and weights that have
 * a pair of matrices already.
 * @param layers chosen by `target_modules`
 */
export function chosenParameters(
  { configuration, base }: TargetQuestion,
  layers: readonly Layer[],
  faults: Faults,
  report: ReportField,
): Parameter[] {
  const names = new Set(configuration.targetParameters);
  if (names.size === 0) return [];
  const found = parametersOf(base).filter(({ name }) => endsOf(name).some((end) => names.has(end)));
  reportUnknown([...names], found, base.name, faults);
  const twice = found.find(({ layer }) => layers.includes(layer));
  if (twice !== undefined) {
    const problem = `names ${shownText(twice.name)}, the weight of a layer that target_modules names too`;
    report("target_parameters", problem, "Leave one of them out");
  }
  return insideOneAnother(found);
}

/** A model's own, and the weights of its layers; PEFT takes none of more axes. What only files have is no parameter of the model. */
function parametersOf({ layers }: BaseModel): Parameter[] {
  return layers.flatMap((layer) => {
    const { name: own, kind, onlyInFiles } = layer;
    if (kind === Layer_Kind.KIND_CONVOLUTION || onlyInFiles || isOfSingleExpert(own)) return [];
    const name = isParameter(layer) ? own : `${own}.weight`;
    return [{ layer, name, prefix: name.slice(0, name.lastIndexOf(".")), isParameter: true }];
  });
}

/** PEFT wraps a module once for each of its parameters, in their order: the last one is outermost. */
function insideOneAnother(parameters: readonly Parameter[]): Parameter[] {
  const modules = Map.groupBy(parameters, ({ prefix }) => prefix);
  return [...modules.values()].flatMap((inOneModule) =>
    inOneModule
      .toSorted((one, other) => other.layer.parameterPlace - one.layer.parameterPlace)
      .map((parameter, depth) => ({ ...parameter, prefix: parameter.prefix + ".base_layer".repeat(depth) })),
  );
}

/** PEFT takes names that the model does not have; but where a base model's parameters are not known, nothing can be said of them. */
function reportUnknown(names: readonly string[], found: readonly Parameter[], base: string, faults: Faults): void {
  const known = new Set(found.flatMap(({ name }) => [...endsOf(name)]));
  const unknown = names.find((name) => !known.has(name));
  const hasParameters = found.some(({ layer }) => isParameter(layer));
  if (unknown === undefined || hasParameters) return;
  const message =
    `Base model ${base} has no parameter for the target ${shownText(unknown)}. Correct target_parameters, name the right base model, or register it ` +
    "from the loaded model, in Python: files do not say which parameters a model makes of them.";
  faults.add("ADAPTER_TARGETS_UNKNOWN", message, { target: unknown, base_model: base });
}
