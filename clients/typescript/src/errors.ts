/**
 * LoraloopError                 everything that this package throws on purpose
 * ├── ConnectionError           no address, no token, or the server cannot be reached for too long
 * ├── StateError                a saved state cannot be used here; names both values
 * ├── TruncatedStreamError      what came is not what was sent
 * ├── FileError                 a file or folder on this machine cannot be used: `path`, `problem`
 * ├── RevisionCompactedError    a watch cannot go on: changes were forgotten; list again, and watch from the list's revision
 * └── RpcError                  the server refused: `code`, `reason`, `metadata`, `retryable`
 */

import { ClientError, Status } from "nice-grpc-common";
import { ErrorInfo, RetryInfo, RichClientError } from "nice-grpc-error-details";

export class LoraloopError extends Error {
  override readonly name: string = "LoraloopError";
}

export class ConnectionError extends LoraloopError {
  override readonly name = "ConnectionError";
}

export class StateError extends LoraloopError {
  override readonly name = "StateError";
}

export class TruncatedStreamError extends LoraloopError {
  override readonly name = "TruncatedStreamError";
}

export class FileError extends LoraloopError {
  override readonly name = "FileError";
  readonly path: string;
  /** A part of a sentence about `path`. */
  readonly problem: string;

  constructor(path: string, problem: string) {
    super(`${path} ${problem}.`);
    this.path = path;
    this.problem = problem;
  }
}

/** The server's answer to a call that failed. */
export class RpcError extends LoraloopError {
  override readonly name = "RpcError";
  /** gRPC status, e.g. `NOT_FOUND`. */
  readonly code: string;
  /** A name of `ErrorReason` without prefix, e.g. `DATASET_NOT_FOUND`; empty where the server gave none. */
  readonly reason: string;
  /** The dynamic parts of the message, by the keys documented with the reason. */
  readonly metadata: Readonly<Record<string, string>>;
  /** True where the same call may succeed later. */
  readonly retryable: boolean;
  /** What the server asked for, where it did. */
  readonly retryAfterSeconds: number | undefined;

  constructor(error: ClientError) {
    super(error.details, { cause: error });
    const details = error instanceof RichClientError ? error.extra : [];
    const info = details.find((detail) => detail.$type === ErrorInfo.$type);
    const retry = details.find((detail) => detail.$type === RetryInfo.$type);
    this.code = Status[error.code];
    this.reason = info?.reason ?? "";
    this.metadata = info?.metadata ?? {};
    this.retryAfterSeconds = retry?.retryDelay && retry.retryDelay.seconds + retry.retryDelay.nanos / 1e9;
    this.retryable = isRetryable(error.code, this.reason, retry !== undefined);
  }
}

export class RevisionCompactedError extends LoraloopError {
  override readonly name = "RevisionCompactedError";
  /** Whose following changes are gone. */
  readonly afterRevision: bigint | undefined;

  constructor(afterRevision: bigint | undefined, cause: RpcError) {
    super(`${cause.message} List again, and watch from the list's revision.`, { cause });
    this.afterRevision = afterRevision;
  }
}

/** Without a reason it was not the server that spoke but the connection that broke: a reset, a proxy, a stream without status. */
function isRetryable(code: Status, reason: string, retryGiven: boolean): boolean {
  if (code === Status.UNAVAILABLE) return true;
  if (code === Status.RESOURCE_EXHAUSTED) return retryGiven;
  return reason === "" && [Status.INTERNAL, Status.UNKNOWN, Status.CANCELLED].includes(code);
}

/** What a caller sees of anything that a call threw. */
export function toLoraloopError(error: unknown): unknown {
  return error instanceof ClientError ? new RpcError(error) : error;
}
