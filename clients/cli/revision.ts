import { InputError } from "./failure.ts";

/** The value of an option that takes a revision. Throws InputError. */
export function toRevision(option: string, text: string): bigint {
  if (!/^\d{1,18}$/.test(text)) throw new InputError(`${option} is not a number: ${text}`);
  return BigInt(text);
}
