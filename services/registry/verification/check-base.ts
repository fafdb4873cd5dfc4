import type { BaseModel, BaseModelReference } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { Faults } from "./faults.ts";
import type { LoraConfiguration } from "./lora-configuration.ts";
import { shownText } from "./strict-json.ts";

/** Compares the base model with the digests of what was really used: BASE_MODEL_MISMATCH, TOKENIZER_MISMATCH. What the reference leaves out is not compared. */
export function checkReference(base: BaseModel, reference: BaseModelReference, faults: Faults): void {
  const { weightsDigest, tokenizerDigest } = reference;
  if (weightsDigest !== "" && weightsDigest !== base.weightsDigest) {
    reportMismatch(base, "base_model.weights_digest", base.weightsDigest, weightsDigest, faults);
  }
  if (tokenizerDigest !== "" && tokenizerDigest !== base.tokenizerDigest) {
    const message = `The adapter was trained with the tokenizer ${tokenizerDigest}; that of ${nameOf(base)} is ${base.tokenizerDigest || "none"}. Register the base model with the adapter's tokenizer under a revision of its own.`;
    faults.add("TOKENIZER_MISMATCH", message, { expected: base.tokenizerDigest, actual: tokenizerDigest });
  }
}

/** Compares it with what `adapter_config.json` names: BASE_MODEL_MISMATCH. */
export function checkNamedBase(base: BaseModel, configuration: LoraConfiguration, faults: Faults): void {
  const { baseModel, revision } = configuration;
  if (baseModel !== "" && baseModel !== base.name && !base.otherNames.includes(baseModel)) {
    reportMismatch(base, "base_model_name_or_path", base.name, baseModel, faults);
  }
  if (revision !== "" && revision !== base.revision) {
    reportMismatch(base, "revision", base.revision, revision, faults);
  }
}

function reportMismatch(base: BaseModel, field: string, expected: string, actual: string, faults: Faults): void {
  const message = `The adapter is of another base model than ${nameOf(base)}: its ${field} is ${shownText(actual)}, not ${shownText(expected)}. Name the base model that it was trained on; where it is the same one by another name, register that name with it.`;
  faults.add("BASE_MODEL_MISMATCH", message, { field, expected, actual });
}

function nameOf({ name, revision }: BaseModel): string {
  return `${name} (${revision})`;
}
