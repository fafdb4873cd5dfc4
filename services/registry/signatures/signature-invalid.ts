import { ServiceError } from "../../kit/errors.ts";

/** SIGNATURE_INVALID: the bundle cannot be read, its signature is false, or it is over other files. */
export function signatureInvalid(problem: string, metadata: { readonly path?: string } = {}): ServiceError {
  return new ServiceError("SIGNATURE_INVALID", `The signature cannot be accepted: ${problem}.`, {
    problem,
    ...metadata,
  });
}
