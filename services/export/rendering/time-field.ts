import { RejectReason } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { Micros } from "../../store/store.ts";
import { compilePath, type Fields } from "./path.ts";
import { type Rejection, reject, shown } from "./rejection.ts";
import { parseTimestamp } from "./timestamp.ts";

/** The time in a field; undefined where it is missing or null. */
export type TimeReader = (fields: Fields) => Micros | Rejection | undefined;

/** Reads an ISO 8601 date or time by dotted path; always undefined for the empty path. */
export function compileTime(path: string): TimeReader {
  if (path === "") {
    return () => undefined;
  }
  const read = compilePath(path);
  return (fields) => {
    const value = read(fields);
    if (value === undefined || value === null) {
      return undefined;
    }
    const time = typeof value === "string" ? parseTimestamp(value) : undefined;
    return (
      time ??
      reject(
        RejectReason.REJECT_REASON_TIMESTAMP_INVALID,
        `Field '${path}' is no ISO 8601 date or time: ${shown(value)}`,
      )
    );
  };
}
