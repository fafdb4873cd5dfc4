import { ServiceError } from "../../kit/errors.ts";

/** DOCUMENT_INVALID: what is imported cannot be read, or says what no version can be. `field` is a path in the document, empty for all of it. */
export function documentInvalid(field: string, problem: string): ServiceError {
  const place = field === "" ? "The document" : `${field} in the document`;
  return new ServiceError("DOCUMENT_INVALID", `${place}: ${problem}.`, { field, problem });
}

/** Steps as people write them: `entries[3].training.lora_rank`. */
export function pathText(steps: readonly PropertyKey[]): string {
  const text = steps.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
  return text.replace(/^\./, "");
}
