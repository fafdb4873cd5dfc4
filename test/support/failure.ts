import { ClientError, type Status } from "nice-grpc";
import {
  type BadRequest,
  type ErrorDetails,
  type ErrorInfo,
  type RetryInfo,
  RichClientError,
} from "nice-grpc-error-details";
import { expectDocumented } from "./error-reasons.ts";

/** What a failed call says, for `toMatchObject`. */
export interface Failure {
  readonly code: Status;
  readonly message: string;
  readonly reason: string | undefined;
  readonly domain: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Named in BadRequest. */
  readonly fields: readonly string[];
  /** Of RetryInfo. */
  readonly retryAfterSeconds: number | undefined;
}

/** Waits for a call, or reads a stream to its end; throws where it does not fail, and where its error is not as `error_reason.proto` says. */
export async function failure(call: Promise<unknown> | AsyncIterable<unknown>): Promise<Failure> {
  try {
    if (Symbol.asyncIterator in call) for await (const _ of call);
    else await call;
  } catch (error) {
    if (error instanceof ClientError) return documented(describe(error));
    throw error;
  }
  throw new Error("The call did not fail.");
}

function documented(failed: Failure): Failure {
  if (failed.domain === "loraloop.dev") expectDocumented(failed.reason, failed.code, Object.keys(failed.metadata));
  return failed;
}

function describe(error: ClientError): Failure {
  const details = error instanceof RichClientError ? error.extra : [];
  const info = detail<ErrorInfo>(details, "google.rpc.ErrorInfo");
  const delay = detail<RetryInfo>(details, "google.rpc.RetryInfo")?.retryDelay;
  return {
    code: error.code,
    message: error.details,
    reason: info?.reason,
    domain: info?.domain,
    metadata: info?.metadata ?? {},
    fields: detail<BadRequest>(details, "google.rpc.BadRequest")?.fieldViolations.map(({ field }) => field) ?? [],
    retryAfterSeconds: delay && delay.seconds + delay.nanos / 1e9,
  };
}

function detail<T extends ErrorDetails & { $type: string }>(
  details: readonly ErrorDetails[],
  type: T["$type"],
): T | undefined {
  return details.find((one) => one.$type === type) as T | undefined;
}
