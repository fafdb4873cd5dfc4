import type { FieldCondition, Selection, Splits, TimeRange } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { RejectReason } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { fromTimestamp } from "../../kit/timestamp.ts";
import { compileFilter } from "./filter.ts";
import { compilePath, type Fields } from "./path.ts";
import { type Rejection, reject } from "./rejection.ts";
import { compileSplits } from "./split.ts";
import { compileTime } from "./time-field.ts";
import { timestampText } from "./timestamp.ts";

type Check = (id: string, fields: Fields, record: StoredRecord) => boolean | Rejection;

interface Condition {
  /** As people write it. */
  readonly text: string;
  readonly holds: Check;
}

export interface CompiledSelection {
  readonly conditions: readonly string[];
  /** Index of the first condition that fails, a rejection, or undefined for a record that is selected. */
  select(id: string, fields: Fields, record: StoredRecord): number | Rejection | undefined;
}

/** The split, equality conditions in their order, then the time range, then the filter; what passes them must have the quality. */
export function compileSelection(selection: Selection | undefined, splits: Splits | undefined): CompiledSelection {
  const conditions = selection === undefined ? [] : conditionsOf(selection);
  if (splits !== undefined && splits.selected !== "") {
    conditions.unshift(splitCondition(splits));
  }
  const minimum = selection?.minQualityScore;
  return {
    conditions: conditions.map(({ text }) => text),
    select(id, fields, record) {
      for (let index = 0; index < conditions.length; index += 1) {
        const holds = (conditions[index] as Condition).holds(id, fields, record);
        if (holds !== true) {
          return holds === false ? index : holds;
        }
      }
      return minimum === undefined ? undefined : qualityRejection(minimum, record.qualityScore ?? 0);
    },
  };
}

function conditionsOf(selection: Selection): Condition[] {
  const conditions = selection.conditions.map(equality);
  if (selection.timeRange !== undefined) {
    conditions.push(timeCondition(selection.timeRange));
  }
  if (selection.filter !== "") {
    conditions.push({ text: selection.filter, holds: compileFilter(selection.filter) });
  }
  return conditions;
}

function splitCondition(splits: Splits): Condition {
  const partOf = compileSplits(splits);
  return {
    text: `split = ${JSON.stringify(splits.selected)}`,
    holds: (id, _fields, { group }) => partOf(group === "" ? id : group) === splits.selected,
  };
}

function equality({ field, values }: FieldCondition): Condition {
  const read = compilePath(field);
  const wanted: ReadonlySet<unknown> = new Set(values);
  const quoted = values.map((value) => JSON.stringify(value));
  const text = quoted.length === 1 ? `${field} = ${quoted[0]}` : `${field} in [${quoted.join(", ")}]`;
  return {
    text,
    holds: (_id, fields) => {
      const value = read(fields);
      return Array.isArray(value) ? value.some((element) => wanted.has(printed(element))) : wanted.has(printed(value));
    },
  };
}

/** What a condition's value is compared with: text as it is, numbers and booleans as JSON; nothing else equals a value. */
function printed(value: unknown): string | undefined {
  if (typeof value === "string") {
    return value;
  }
  return typeof value === "number" || typeof value === "boolean" ? JSON.stringify(value) : undefined;
}

function timeCondition(range: TimeRange): Condition {
  const start = range.startTime && fromTimestamp(range.startTime, "time_range.start_time");
  const end = range.endTime && fromTimestamp(range.endTime, "time_range.end_time");
  const name = range.field === "" ? "create_time" : range.field;
  const bounds = [
    start !== undefined && `${name} >= ${timestampText(start)}`,
    end !== undefined && `${name} < ${timestampText(end)}`,
  ];
  const readTime = compileTime(range.field);
  return {
    text: bounds.filter(Boolean).join(" and "),
    holds: (_id, fields, record) => {
      const time = range.field === "" ? record.createTimeMicros : readTime(fields);
      if (typeof time !== "bigint") {
        return time ?? false;
      }
      return (start === undefined || time >= start) && (end === undefined || time < end);
    },
  };
}

function qualityRejection(minimum: number, score: number): Rejection | undefined {
  return score < minimum
    ? reject(RejectReason.REJECT_REASON_LOW_QUALITY, `Quality score ${score} is below ${minimum}`)
    : undefined;
}
