import { ClientError, Status } from "nice-grpc";
import { ErrorInfo, RichClientError } from "nice-grpc-error-details";
import { type Reason, ServiceError } from "../../kit/errors.ts";
import { versionText } from "../adapters/names.ts";
import type { VersionName } from "../keys.ts";

/** What the export service says about what the caller asked for. */
const passedOn: ReadonlySet<string> = new Set<Reason>([
  "COLLECTION_NOT_FOUND",
  "CONTENT_DAMAGED",
  "FIELD_INVALID",
  "PAGE_TOKEN_INVALID",
  "RUN_NOT_FOUND",
  "SNAPSHOT_BUILDING",
  "SNAPSHOT_EXPIRED",
  "SNAPSHOT_FAILED",
  "SNAPSHOT_NOT_FOUND",
  "TENANT_NOT_FOUND",
  "TOO_MANY_ERRORS",
]);

const retrySeconds = 1;

export function notConfigured(): ServiceError {
  const problem = "the registry's configuration names none: set export_address and export_token_file";
  return unavailable(problem, {});
}

/** What a caller of the registry sees of anything that a call of the export service threw. */
export function toServiceError(error: unknown): ServiceError {
  const info = infoOf(error);
  if (error instanceof ClientError && info !== undefined && passedOn.has(info.reason)) {
    return new ServiceError(info.reason as Reason, error.details, info.metadata, { cause: error });
  }
  if (error instanceof ClientError && [Status.UNAUTHENTICATED, Status.PERMISSION_DENIED].includes(error.code)) {
    return unavailable("it refuses the registry's token: renew the file export_token_file", { cause: error });
  }
  const problem = "it does not answer: try again, and check export_address where that does not help";
  return unavailable(problem, { cause: error, retryAfterSeconds: retrySeconds });
}

/** Whether the error is the refusal of one of these reasons. */
export function hasReason(error: unknown, ...reasons: readonly Reason[]): error is ServiceError {
  return error instanceof ServiceError && reasons.includes(error.reason);
}

/**
 * What is thrown where a deleted version needs a snapshot that is gone: the refusal with the version's name; any other error as it is.
 * @param versionOf by a snapshot's key; @param remedy a sentence
 */
export function snapshotGone(
  error: unknown,
  versionOf: (snapshot: string) => VersionName | undefined,
  remedy?: string,
): unknown {
  if (!hasReason(error, "SNAPSHOT_EXPIRED", "SNAPSHOT_NOT_FOUND")) return error;
  const { reason, metadata } = error;
  const { snapshot = "" } = metadata;
  const name = versionOf(snapshot);
  if (name === undefined) return error;
  const version = versionText(name);
  const problem = `Version "${version}" does not come back: snapshot ${snapshot}, which it was trained on, is gone.`;
  const message = remedy === undefined ? problem : `${problem} ${remedy}`;
  return new ServiceError(reason, message, { ...metadata, version }, { cause: error });
}

function infoOf(error: unknown): ErrorInfo | undefined {
  return error instanceof RichClientError
    ? error.extra.find(
        (detail): detail is ErrorInfo & { $type: typeof ErrorInfo.$type } => detail.$type === ErrorInfo.$type,
      )
    : undefined;
}

function unavailable(problem: string, options: ConstructorParameters<typeof ServiceError>[3]): ServiceError {
  return new ServiceError(
    "EXPORT_UNAVAILABLE",
    `The export service cannot be asked: ${problem}.`,
    { problem },
    options,
  );
}
