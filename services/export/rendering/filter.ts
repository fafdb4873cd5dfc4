import { RejectReason } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { compileExpression, timestampReader, toCelInput } from "../../kit/filter/expression.ts";
import type { Fields } from "./path.ts";
import { type Rejection, reject } from "./rejection.ts";

export type Filter = (id: string, fields: Fields, record: StoredRecord) => boolean | Rejection;

/** Names that a filter may use. */
const variables: ReadonlySet<string> = new Set([
  "record",
  "id",
  "source",
  "quality_score",
  "create_time",
  "update_time",
]);

/** Compiles the CEL expression of a selection, bounded as in `compileExpression`. Throws ServiceError FILTER_INVALID. */
export function compileFilter(source: string): Filter {
  const evaluate = compileExpression(source, { variables, field: "selection.filter" });
  const timestampMessage = timestampReader();
  return (id, fields, record) => {
    const result = evaluate({
      record: toCelInput(fields),
      id,
      source: record.source,
      quality_score: record.qualityScore ?? 0,
      create_time: timestampMessage(record.createTimeMicros),
      update_time: timestampMessage(record.updateTimeMicros),
    });
    return typeof result === "boolean"
      ? result
      : reject(RejectReason.REJECT_REASON_FILTER_FAILED, `Filter could not be evaluated: ${result.problem}`);
  };
}
