import { RejectReason } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { shortened } from "../../kit/shortened.ts";

/** Why a record gives no sample. A class, because a record's own data may have any shape. */
export class Rejection {
  readonly kind = "rejected" as const;
  readonly reason: RejectReason;
  readonly problem: string;

  constructor(reason: RejectReason, problem: string) {
    this.reason = reason;
    this.problem = problem;
  }
}

export function reject(reason: RejectReason, problem: string): Rejection {
  return new Rejection(reason, shortened(problem));
}

/** Whether records rejected for this reason count toward `max_errors`; the others are quality rejects. */
export function isError(reason: RejectReason): boolean {
  return reason >= RejectReason.REJECT_REASON_MISSING_FIELD && reason <= RejectReason.REJECT_REASON_EXPORTER_FAILED;
}

const shownCharacters = 100;

/** A value of a record as it stands in a problem: its JSON, cut at 100 characters. */
export function shown(value: unknown): string {
  const short = typeof value === "string" ? value.slice(0, shownCharacters) : value;
  const json = JSON.stringify(short) ?? "nothing";
  return json.length > shownCharacters + 2 ? `${json.slice(0, shownCharacters)}…` : json;
}

/** `text`, `a number`, `a list` …: what kind of JSON a value is. */
export function kindOf(value: unknown): string {
  if (value === null) {
    return "null";
  }
  if (Array.isArray(value)) {
    return "a list";
  }
  return { string: "text", number: "a number", boolean: "a boolean" }[typeof value as string] ?? "an object";
}
