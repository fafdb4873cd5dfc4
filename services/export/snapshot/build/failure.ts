import { type Reason, ServiceError } from "../../../kit/errors.ts";
import { StoreError } from "../../../store/store.ts";

export interface Failure {
  readonly reason: Reason;
  readonly message: string;
}

/** Why a build can never succeed; undefined for what may be better next time: a full disk, a store that is away, a lost thread, too many builds at once. */
export function failureOf(error: Error): Failure | undefined {
  if (error instanceof ServiceError) {
    return error.retryAfterSeconds === undefined ? { reason: error.reason, message: error.message } : undefined;
  }
  if (error instanceof StoreError && error.code === "OUT_OF_RANGE") {
    return { reason: "REVISION_COMPACTED", message: error.message };
  }
  return undefined;
}
