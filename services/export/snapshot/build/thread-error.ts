import { type Reason, ServiceError } from "../../../kit/errors.ts";
import { StoreError, type StoreErrorCode } from "../../../store/store.ts";

/** An error on its way between threads, which would lose its class. */
export type ThreadError =
  | {
      readonly kind: "service";
      readonly reason: Reason;
      readonly message: string;
      readonly details: Details;
      readonly retry: Retry;
    }
  | { readonly kind: "store"; readonly code: StoreErrorCode; readonly message: string; readonly details: Details }
  | { readonly kind: "other"; readonly message: string };

type Retry = { readonly retryAfterSeconds?: number };
type Details = Readonly<Record<string, string>>;

export function toThreadError(error: unknown): ThreadError {
  if (error instanceof ServiceError) {
    const { reason, message, metadata: details, retryAfterSeconds } = error;
    return {
      kind: "service",
      reason,
      message,
      details,
      retry: retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
    };
  }
  if (error instanceof StoreError) {
    return { kind: "store", code: error.code, message: error.message, details: error.details };
  }
  return { kind: "other", message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

export function fromThreadError(error: ThreadError): Error {
  if (error.kind === "service") return new ServiceError(error.reason, error.message, error.details, error.retry);
  if (error.kind === "store") return new StoreError(error.code, error.message, error.details);
  return new Error(error.message);
}
