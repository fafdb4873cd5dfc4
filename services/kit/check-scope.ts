import type { Caller, Scope } from "./call.ts";
import { ServiceError } from "./errors.ts";

/** Throws SCOPE_MISSING where a token does not allow something. @param why what of the call needs it, and what to do without, e.g. `, needed for …`; nothing where the whole call does */
export function checkScope({ scopes }: Caller, needed: Scope, why = ""): void {
  if (scopes.has(needed) || scopes.has("admin")) return;
  throw new ServiceError("SCOPE_MISSING", `The token lacks the scope ${needed}${why}.`, { scope: needed });
}
