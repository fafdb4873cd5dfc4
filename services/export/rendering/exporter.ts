import type { RejectReason } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";

/**
 * Makes samples of one format. The built-in formats and plugins implement the same interface.
 * Everything must be a pure function of the parts: no clock, no locale, no randomness. A format that would change the samples needs a new name.
 */
export interface Exporter {
  /** Name in a dataset's `format`: `[a-z]([a-z0-9_-]{0,61}[a-z0-9])?`. */
  readonly format: string;
  /** What it takes from a record, in the order in which problems are looked for. */
  readonly parts: readonly Part[];
  /** Called with the parts of one record; text parts are strings, absent optional parts are absent keys. Throwing is EXPORTER_FAILED. */
  sample(parts: Parts): Sample | Refusal;
}

export interface Part {
  readonly name: string;
  /** `text`: a string. `boolean`: true or false. `any`: the exporter checks it. */
  readonly type: "text" | "boolean" | "any";
  /** Missing and null: MISSING_FIELD. Otherwise they, and text without non-white-space, are left out. */
  readonly required: boolean;
  /** Where the dataset maps one of these parts, this one is read only if it is mapped too. */
  readonly unlessMapped?: readonly string[];
  /** Not read from records that have this part, which comes before it. */
  readonly unless?: string;
}

export type Parts = Readonly<Record<string, unknown>>;

export interface Sample {
  /** Plain JSON; its keys are printed in their order. `metadata` and `weight` are taken. */
  readonly value: object;
  /** What the model learns to write: lengths are measured on it. */
  readonly output: string;
}

export interface Refusal {
  readonly reason: RejectReason;
  /** One sentence that names field and value. */
  readonly problem: string;
}
