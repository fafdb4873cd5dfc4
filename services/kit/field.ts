import { ServiceError } from "./errors.ts";
import { type LimitName, limits } from "./limits.ts";

/** What collections, datasets and formats are called. */
export const nameForm: RegExp = /^[a-z]([a-z0-9_-]{0,61}[a-z0-9])?$/;

/** Longest part of a caller's value that an error repeats. */
const shownCharacters = 80;

/** An error for a request field: names it, shows what it was (shortened) and what it should be. */
export function fieldInvalid(field: string, value: string, expected: string): ServiceError {
  const shown = value.length > shownCharacters ? `${value.slice(0, shownCharacters)}…` : value;
  const message = `${field} is ${JSON.stringify(shown)}; expected ${expected}.`;
  return new ServiceError("FIELD_INVALID", message, { field, value: shown, expected });
}

/** An error for something that is over a limit of `limits.ts`. */
export function limitExceeded(limit: LimitName, actual: number | bigint, what: string): ServiceError {
  const maximum = String(limits[limit]);
  return new ServiceError("LIMIT_EXCEEDED", `${what} is ${actual}; the limit ${limit} is ${maximum}.`, {
    limit,
    maximum,
    actual: String(actual),
  });
}
