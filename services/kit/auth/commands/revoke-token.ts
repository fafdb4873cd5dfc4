import { StoredToken } from "../../../../proto/gen/loraloop/storage/v1/token.ts";
import type { Caller } from "../../call.ts";
import { encoded } from "../../encoded.ts";
import { ServiceError } from "../../errors.ts";
import type { AuthContext } from "../context.ts";
import { revokedTokenKey, systemTenant, tokenKey } from "../keys.ts";
import { isTokenId } from "../token.ts";
import { findRevokedToken, findToken } from "../tokens.ts";

/** Removes a token of the caller's tenant, or any for the system's tenant. One that was revoked before stays so; TOKEN_NOT_FOUND otherwise. */
export async function revokeToken(context: AuthContext, caller: Caller, id: string): Promise<void> {
  const live = isTokenId(id) ? await findToken(context, id) : undefined;
  const token = live ?? (isTokenId(id) ? await findRevokedToken(context, id) : undefined);
  if (token === undefined || (caller.tenant !== systemTenant && token.tenantNumber !== caller.tenant)) {
    throw new ServiceError("TOKEN_NOT_FOUND", `There is no token ${id.slice(0, 80)}.`, { token: id });
  }
  if (live === undefined) return;
  const revoked = { put: revokedTokenKey(id), value: encoded(StoredToken, live) };
  await context.store.commit(systemTenant, [{ delete: tokenKey(id) }, revoked]);
}
