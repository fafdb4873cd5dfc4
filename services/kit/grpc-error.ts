import { ServerError, Status } from "nice-grpc";
import { BadRequest, type ErrorDetails, ErrorInfo, RetryInfo, RichServerError } from "nice-grpc-error-details";
import { StoreError, type StoreErrorCode } from "../store/store.ts";
import { type Reason, ServiceError, statusOf } from "./errors.ts";
import type { LimitName } from "./limits.ts";

const domain = "loraloop.dev";
/** UTF-16 units of a message; at most 1 KB of UTF-8 where the text is Latin. */
const messageLength = 1_000;
/** Units of a value in `metadata`: all of them travel in the trailers, which many clients cap at 8 KB. */
const valueLength = 256;

/** LIMIT_EXCEEDED is RESOURCE_EXHAUSTED for these, which calls share; all other limits bound one request: INVALID_ARGUMENT. */
const sharedLimits: ReadonlySet<string> = new Set<LimitName | "stream_snapshots_gib">([
  "deduplicated_samples",
  "deduplication_bytes",
  "stream_snapshots_gib",
]);

/** These go out with RetryInfo, after one second unless the error says otherwise. */
const retryable: ReadonlySet<Reason> = new Set<Reason>([
  "DRAINING",
  "SNAPSHOT_BUILDING",
  "STORE_UNAVAILABLE",
  "STREAMS_EXHAUSTED",
]);

/** The one mapper from what a handler throws to what goes on the wire. What is not meant for callers becomes INTERNAL with the request id. */
export function toGrpcError(error: unknown, requestId: string): ServerError {
  if (error instanceof ServerError) return error;
  const known = error instanceof StoreError ? fromStore(error) : error;
  return known instanceof ServiceError ? rich(known) : rich(internal(requestId));
}

function rich(error: ServiceError): RichServerError {
  return new RichServerError(codeOf(error), clean(error.message, messageLength), details(error));
}

function codeOf(error: ServiceError): Status {
  const exceeded = error.reason === "LIMIT_EXCEEDED";
  return exceeded && !sharedLimits.has(error.metadata["limit"] ?? "")
    ? Status.INVALID_ARGUMENT
    : statusOf(error.reason);
}

function details(error: ServiceError): ErrorDetails[] {
  const metadata = Object.fromEntries(
    Object.entries(error.metadata).map(([key, value]) => [key, clean(value, valueLength)]),
  );
  const found: ErrorDetails[] = [ErrorInfo.fromPartial({ reason: error.reason, domain, metadata })];
  const seconds = error.retryAfterSeconds ?? (retryable.has(error.reason) ? 1 : undefined);
  if (seconds !== undefined) found.push(retryInfo(seconds));
  const field = metadata["field"];
  if (field !== undefined) {
    const description = clean(error.message, valueLength);
    found.push(BadRequest.fromPartial({ fieldViolations: [{ field, description }] }));
  }
  return found;
}

function retryInfo(seconds: number): RetryInfo {
  const whole = Math.floor(seconds);
  return RetryInfo.fromPartial({ retryDelay: { seconds: whole, nanos: Math.round((seconds - whole) * 1e9) } });
}

function internal(requestId: string): ServiceError {
  const message = `The server failed; its log has the cause under request_id ${requestId}.`;
  return new ServiceError("INTERNAL", message, { request_id: requestId });
}

const storeReasons = {
  ABORTED: "CONFLICT",
  UNAVAILABLE: "STORE_UNAVAILABLE",
  DATA_LOSS: "CONTENT_DAMAGED",
  /** These are checked before the store is asked, so they are faults of ours. */
  INVALID_ARGUMENT: "INTERNAL",
  RESOURCE_EXHAUSTED: "INTERNAL",
  FAILED_PRECONDITION: "INTERNAL",
} as const satisfies Record<Exclude<StoreErrorCode, "OUT_OF_RANGE">, Reason>;

const storeSentences: Partial<Record<Reason, string>> = {
  CONFLICT: "Somebody else changed the same thing at the same time; read again and retry.",
  STORE_UNAVAILABLE:
    "The store cannot write or be reached now; nothing was changed. Its disk may be full or its database away: the server's log says which.",
  CONTENT_DAMAGED: "What the store holds is damaged.",
};

/** A store's own words stay in the log: they may name keys, files or hosts. */
function fromStore(error: StoreError): unknown {
  if (error.code === "OUT_OF_RANGE") return outOfRange(error);
  const reason = storeReasons[error.code];
  const sentence = storeSentences[reason];
  return sentence === undefined ? error : new ServiceError(reason, sentence, {}, { cause: error });
}

function outOfRange({ message, details: { revision = "", oldestRevision, newestRevision = "" } }: StoreError) {
  return oldestRevision === undefined
    ? new ServiceError("REVISION_UNKNOWN", message, { revision, head_revision: newestRevision })
    : new ServiceError("REVISION_COMPACTED", message, { revision, oldest_revision: oldestRevision });
}

/** grpc-js crashes on a lone surrogate in a status (and a cut may make one). */
function clean(text: string, length: number): string {
  return text.slice(0, length).toWellFormed();
}
