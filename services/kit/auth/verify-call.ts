import type { Caller } from "../call.ts";
import { ServiceError } from "../errors.ts";
import { systemTenant } from "./keys.ts";
import type { ProcessTokens } from "./process-tokens.ts";
import { findTenant, tenantForm } from "./tenants.ts";
import { type TokenContext, verifyToken } from "./tokens.ts";

/** Names the tenant that a call is for, where its token is of the tenant `system`. */
export const tenantHeader = "loraloop-tenant";

/**
 * Who calls with a bearer token: one that this process gave itself, or one of the store, for the tenant of the header where there is one.
 * Throws TOKEN_INVALID, TOKEN_EXPIRED, SCOPE_MISSING or TENANT_NOT_FOUND.
 */
export async function verifyCall(
  context: TokenContext,
  issued: ProcessTokens,
  secret: string,
  tenant: string | undefined,
): Promise<Caller> {
  const caller = issued.find(secret) ?? (await verifyToken(context, secret));
  return tenant === undefined ? caller : callForTenant(context, caller, tenant);
}

/** The caller as one of another tenant, which must exist: nothing is made. */
async function callForTenant(context: TokenContext, caller: Caller, name: string): Promise<Caller> {
  if (caller.tenant !== systemTenant || !(caller.scopes.has("tenant.any") || caller.scopes.has("admin"))) {
    const message = `Only tokens of the tenant system with the scope tenant.any may send the header ${tenantHeader}.`;
    throw new ServiceError("SCOPE_MISSING", message, { scope: "tenant.any" });
  }
  const tenant = tenantForm.test(name) ? await findTenant(context, name) : undefined;
  if (tenant === undefined) {
    throw new ServiceError("TENANT_NOT_FOUND", `There is no tenant ${JSON.stringify(name)} here.`, { tenant: name });
  }
  return { ...caller, tenant: tenant.number, tenantName: tenant.name };
}
