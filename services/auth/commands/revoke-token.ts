import type { Caller } from "../../kit/call.ts";
import { ServiceError } from "../../kit/errors.ts";
import type { AuthContext } from "../context.ts";
import { systemTenant, tokenKey } from "../keys.ts";
import { isTokenId } from "../token.ts";
import { findToken } from "../tokens.ts";

/** Removes a token of the caller's tenant, or any for the system's tenant. TOKEN_NOT_FOUND otherwise, also the second time. */
export async function revokeToken(context: AuthContext, caller: Caller, id: string): Promise<void> {
  const stored = isTokenId(id) ? await findToken(context, id) : undefined;
  if (stored === undefined || (caller.tenant !== systemTenant && stored.tenantNumber !== caller.tenant)) {
    throw new ServiceError("TOKEN_NOT_FOUND", `There is no token ${id.slice(0, 80)}.`, { token: id });
  }
  await context.store.commit(systemTenant, [{ delete: tokenKey(id) }]);
}
