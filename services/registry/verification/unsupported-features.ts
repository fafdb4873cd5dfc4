import type { ReportField } from "./faults.ts";
import type { JsonObject, JsonValue } from "./strict-json.ts";

/** Features of PEFT that change what the tensors are or mean in ways that are not checked here, by their fields. */
const features: Readonly<Record<string, string>> = {
  layer_replication: "stacks layers that the base model does not have",
  megatron_config: "splits the layers as Megatron does",
  use_qalora: "adapts groups of quantised weights",
  use_bdlora: "has block-diagonal matrices",
  arrow_config: "routes between adapters",
  kasa_config: "truncates the base model's weights",
  monteclora_config: "samples its weights",
  velora_config: "has layers of its own",
  ensure_weight_tying: "shares an adapter between layers",
};

/** Reports every feature that is switched on and not supported. */
export function reportUnsupported(configuration: JsonObject, report: ReportField): void {
  for (const [field, what] of Object.entries(features)) {
    if (isOn(configuration.get(field))) {
      report(field, `is not supported: such an adapter ${what}`, "Train without it, or merge the adapter into a model");
    }
  }
}

function isOn(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === false || value === "" || value === 0) return false;
  if (value instanceof Map) return value.size > 0;
  return !(Array.isArray(value) && value.length === 0);
}
