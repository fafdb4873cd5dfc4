import { LoraloopError } from "../errors.ts";

/** What a registry's answer holds. Throws LoraloopError where it holds nothing. */
export function answered<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new LoraloopError("The registry gave an empty answer.");
  return part;
}
