import type { DeletedData } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { fromTimestamp } from "../../kit/timestamp.ts";

/** What was deleted of all that is in a version: what it was trained on itself, and what it inherited. Its children inherit that. */
export function deletedIn({ deletedData, inheritedDeletedData }: StoredVersionState): DeletedData | undefined {
  return together(deletedData, inheritedDeletedData);
}

/** The sum of both. */
export function together(one: DeletedData | undefined, other: DeletedData | undefined): DeletedData | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    recordCount: one.recordCount + other.recordCount,
    firstTime: micros(one.firstTime) <= micros(other.firstTime) ? one.firstTime : other.firstTime,
    lastTime: micros(one.lastTime) >= micros(other.lastTime) ? one.lastTime : other.lastTime,
  };
}

function micros(time: DeletedData["firstTime"]): bigint {
  return time === undefined ? 0n : fromTimestamp(time, "time");
}
