import type { Layer } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { Faults } from "./faults.ts";
import { isParameter } from "./layer-kinds.ts";
import { endsOf } from "./module-names.ts";
import { shownText } from "./strict-json.ts";
import type { Target, TargetQuestion } from "./targets.ts";

/** A parameter that `target_parameters` names. */
type Parameter = Omit<Target, "rank">;

/** The parameters that a configuration targets by PEFT's rules: those of no layer, and the weights of layers. Reports ADAPTER_TARGETS_UNKNOWN. */
export function chosenParameters({ configuration, base }: TargetQuestion, faults: Faults): Parameter[] {
  const names = new Set(configuration.targetParameters);
  if (names.size === 0) return [];
  const found = base.layers.flatMap((layer) => {
    const name = isParameter(layer) ? layer.name : `${layer.name}.weight`;
    return endsOf(name).some((end) => names.has(end)) ? [parameterOf(layer, name)] : [];
  });
  reportUnknown([...names], found, base.name, faults);
  return insideOneAnother(found);
}

function parameterOf(layer: Layer, name: string): Parameter {
  return { layer, name, module: name.slice(0, name.lastIndexOf(".")), isParameter: true };
}

/** PEFT wraps a module once for each of its parameters, in their order: the last one is outermost. */
function insideOneAnother(parameters: readonly Parameter[]): Parameter[] {
  const modules = Map.groupBy(parameters, ({ module }) => module);
  return [...modules.values()].flatMap((inOneModule) =>
    inOneModule
      .toSorted((one, other) => other.layer.parameterPlace - one.layer.parameterPlace)
      .map((parameter, depth) => ({ ...parameter, module: parameter.module + ".base_layer".repeat(depth) })),
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
