import { Status } from "nice-grpc-common";
import type { ErrorReason } from "../../proto/gen/loraloop/common/v1/error_reason.ts";

/** A reason without its prefix, as it goes on the wire: `DATASET_NOT_FOUND`. Documented in `error_reason.proto`. */
export type Reason = keyof typeof reasons;

type ReasonName<T> = T extends `ERROR_REASON_${infer Name}` ? Name : never;

/** The one table: which gRPC status each reason has. */
const reasons = {
  INTERNAL: Status.INTERNAL,
  FIELD_INVALID: Status.INVALID_ARGUMENT,
  LIMIT_EXCEEDED: Status.RESOURCE_EXHAUSTED,
  TOKEN_MISSING: Status.UNAUTHENTICATED,
  TOKEN_INVALID: Status.UNAUTHENTICATED,
  TOKEN_EXPIRED: Status.UNAUTHENTICATED,
  SCOPE_MISSING: Status.PERMISSION_DENIED,
  COLLECTION_NOT_FOUND: Status.NOT_FOUND,
  RECORD_NOT_FOUND: Status.NOT_FOUND,
  DATASET_NOT_FOUND: Status.NOT_FOUND,
  SNAPSHOT_NOT_FOUND: Status.NOT_FOUND,
  TOKEN_NOT_FOUND: Status.NOT_FOUND,
  RECORD_INVALID: Status.INVALID_ARGUMENT,
  INGEST_CHUNK_CHANGED: Status.FAILED_PRECONDITION,
  INGEST_CHUNK_OUT_OF_ORDER: Status.INVALID_ARGUMENT,
  INGEST_COMMIT_MISMATCH: Status.INVALID_ARGUMENT,
  INGEST_CLOSED: Status.FAILED_PRECONDITION,
  INGEST_OPEN: Status.FAILED_PRECONDITION,
  DATASET_INVALID: Status.INVALID_ARGUMENT,
  SCHEMA_INVALID: Status.INVALID_ARGUMENT,
  FILTER_INVALID: Status.INVALID_ARGUMENT,
  FORMAT_UNKNOWN: Status.INVALID_ARGUMENT,
  VERSION_CONFLICT: Status.ABORTED,
  SNAPSHOT_BUILDING: Status.UNAVAILABLE,
  SNAPSHOT_FAILED: Status.FAILED_PRECONDITION,
  SNAPSHOT_EXPIRED: Status.FAILED_PRECONDITION,
  TOO_MANY_ERRORS: Status.FAILED_PRECONDITION,
  RESUME_FORMAT_UNKNOWN: Status.INVALID_ARGUMENT,
  RESUME_OTHER_STORE: Status.FAILED_PRECONDITION,
  RESUME_OTHER_INCARNATION: Status.FAILED_PRECONDITION,
  RESUME_OTHER_REQUEST: Status.FAILED_PRECONDITION,
  RESUME_PLAN_UNKNOWN: Status.NOT_FOUND,
  RESUME_BEYOND_END: Status.OUT_OF_RANGE,
  REVISION_COMPACTED: Status.OUT_OF_RANGE,
  REVISION_UNKNOWN: Status.OUT_OF_RANGE,
  CONFLICT: Status.ABORTED,
  STORE_UNAVAILABLE: Status.UNAVAILABLE,
  STREAMS_EXHAUSTED: Status.RESOURCE_EXHAUSTED,
  DRAINING: Status.UNAVAILABLE,
  PAGE_TOKEN_INVALID: Status.INVALID_ARGUMENT,
  CONTENT_DAMAGED: Status.DATA_LOSS,
  SNAPSHOT_IN_USE: Status.FAILED_PRECONDITION,
  PLAN_INVALID: Status.INVALID_ARGUMENT,
  RUN_NOT_FOUND: Status.NOT_FOUND,
  RUN_CONFLICT: Status.FAILED_PRECONDITION,
  EPOCH_NOT_OPEN: Status.FAILED_PRECONDITION,
  BLOCK_NOT_FOUND: Status.NOT_FOUND,
} as const satisfies Record<Exclude<ReasonName<ErrorReason>, "UNSPECIFIED">, Status>;

/** What a command throws: a reason, a sentence for the caller, and every dynamic part of the sentence again in `metadata`. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly reason: Reason;
  readonly metadata: Readonly<Record<string, string>>;
  /** Goes out as RetryInfo. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    reason: Reason,
    message: string,
    metadata: Readonly<Record<string, string>> = {},
    options: { readonly retryAfterSeconds?: number; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.metadata = metadata;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

export function statusOf(reason: Reason): Status {
  return reasons[reason];
}
