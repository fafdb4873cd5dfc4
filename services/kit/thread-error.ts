import { StoreError, type StoreErrorCode } from "../store/store.ts";
import { ConfigurationError } from "./configuration-error.ts";
import { type Reason, ServiceError } from "./errors.ts";

/** An error on its way between threads, which would lose its class. */
export type ThreadError =
  | {
      readonly kind: "service";
      readonly reason: Reason;
      readonly message: string;
      readonly details: Details;
      readonly options: Options;
    }
  | { readonly kind: "store"; readonly code: StoreErrorCode; readonly message: string; readonly details: Details }
  | { readonly kind: "configuration"; readonly message: string }
  | { readonly kind: "other"; readonly error: Error };

type Options = { readonly retryAfterSeconds?: number; readonly cause?: unknown };
type Details = Readonly<Record<string, string>>;

export function toThreadError(error: unknown): ThreadError {
  if (error instanceof ServiceError) {
    const { reason, message, metadata: details, retryAfterSeconds, cause } = error;
    const options = { cause, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
    return { kind: "service", reason, message, details, options };
  }
  if (error instanceof StoreError) {
    return { kind: "store", code: error.code, message: error.message, details: error.details };
  }
  if (error instanceof ConfigurationError) return { kind: "configuration", message: error.message };
  return { kind: "other", error: error instanceof Error ? error : new Error(String(error)) };
}

export function fromThreadError(error: ThreadError): Error {
  if (error.kind === "service") return new ServiceError(error.reason, error.message, error.details, error.options);
  if (error.kind === "store") return new StoreError(error.code, error.message, error.details);
  if (error.kind === "configuration") return new ConfigurationError(error.message);
  return error.error;
}
