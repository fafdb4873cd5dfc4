import type { CreateTokenRequest, CreateTokenResponse } from "../../../../proto/gen/loraloop/auth/v1/token_service.ts";
import { type Call, type Scope, scopes } from "../../call.ts";
import { fieldInvalid, limitExceeded } from "../../field.ts";
import { limits } from "../../limits.ts";
import { fromTimestamp } from "../../timestamp.ts";
import * as commands from "../commands/create-token.ts";
import type { AuthContext } from "../context.ts";
import { systemTenantName } from "../keys.ts";
import { tenantForm } from "../tenants.ts";
import { tokenMessage } from "../token-message.ts";

export function createToken(context: AuthContext) {
  return async (request: CreateTokenRequest, call: Call): Promise<CreateTokenResponse> => {
    checkDescription(request.description);
    const tenant = checkTenant(request.tenant || call.caller.tenantName);
    const made = await commands.createToken(context, call.caller, {
      description: request.description,
      tenant,
      scopes: checkScopes(request.scopes, tenant),
      ...(request.expireTime && { expires: fromTimestamp(request.expireTime, "expire_time") }),
    });
    return { token: tokenMessage(made.id, made.stored), secret: made.secret };
  };
}

function checkDescription(description: string): void {
  const bytes = Buffer.byteLength(description);
  if (bytes > limits.token_description_bytes) {
    throw limitExceeded("token_description_bytes", bytes, "Length of description in bytes");
  }
}

function checkTenant(name: string): string {
  if (!tenantForm.test(name)) throw fieldInvalid("tenant", name, tenantForm.source);
  return name;
}

function checkScopes(names: readonly string[], tenant: string): Scope[] {
  const known: readonly string[] = scopes.filter((scope) => scope !== "tenant.any" || tenant === systemTenantName);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined || names.length === 0) {
    throw fieldInvalid("scopes", unknown ?? "", `at least one of ${known.join(", ")}`);
  }
  return [...new Set(names as Scope[])];
}
