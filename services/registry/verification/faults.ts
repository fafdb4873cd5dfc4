import { type Reason, ServiceError } from "../../kit/errors.ts";
import { limits } from "../../kit/limits.ts";

/** Something that is wrong with an adapter: what a ServiceError says, as it goes between threads. */
export interface Fault {
  readonly reason: Reason;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Takes the faults of one adapter: all of them, at most `adapter_problems`, or only the first, which it throws. */
export class Faults {
  readonly found: Fault[] = [];
  readonly #throwsFirst: boolean;

  constructor(throwsFirst: boolean) {
    this.#throwsFirst = throwsFirst;
  }

  add(reason: Reason, message: string, metadata: Readonly<Record<string, string>>): void {
    if (this.#throwsFirst) throw new ServiceError(reason, message, metadata);
    if (this.found.length < limits.adapter_problems) this.found.push({ reason, message, metadata });
  }

  /** Forgets what was added after the first `count` faults: one that follows explains it. */
  keepFirst(count: number): void {
    this.found.length = Math.min(this.found.length, count);
  }
}

/** Says what is wrong with a field of `adapter_config.json`, or with all of it where the field is empty. @param remedy a sentence without its full stop */
export type ReportField = (field: string, problem: string, remedy?: string) => void;

/** Reports ADAPTER_CONFIGURATION_INVALID. */
export function configurationReport(faults: Faults): ReportField {
  return (field, problem, remedy = "Correct it and send the adapter again") => {
    const place = field === "" ? "adapter_config.json" : `adapter_config.json: ${field}`;
    const metadata = { field: field || "adapter_config.json", problem };
    faults.add("ADAPTER_CONFIGURATION_INVALID", `${place} ${problem}. ${remedy}.`, metadata);
  };
}
