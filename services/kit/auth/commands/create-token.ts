import { retryAborted } from "../../../store/retry-aborted.ts";
import type { Micros } from "../../../store/store.ts";
import type { Caller, Scope } from "../../call.ts";
import { ServiceError } from "../../errors.ts";
import { fieldInvalid } from "../../field.ts";
import type { AuthContext } from "../context.ts";
import { systemTenant } from "../keys.ts";
import { planTenant } from "../tenants.ts";
import { type MadeToken, newToken } from "../tokens.ts";

export interface CreateToken {
  readonly description: string;
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  readonly expires?: Micros;
}

/** Makes a token, and its tenant where it does not exist. Only the system's tenant may name another than its own. */
export async function createToken(context: AuthContext, caller: Caller, wanted: CreateToken): Promise<MadeToken> {
  if (wanted.tenant !== caller.tenantName && caller.tenant !== systemTenant) {
    const message =
      "Only an admin of the tenant system makes tokens of another tenant: take the token in the server's <data_directory>/system-token.";
    throw new ServiceError("SCOPE_MISSING", message, { scope: "admin" });
  }
  const now = context.clock.now();
  if (wanted.expires !== undefined && wanted.expires <= now) {
    throw fieldInvalid("expire_time", new Date(Number(wanted.expires / 1_000n)).toISOString(), "a time to come");
  }
  return commitToken(context, wanted);
}

/** Two calls may plan the same new tenant: the one that comes second then finds it. */
function commitToken(context: AuthContext, wanted: CreateToken): Promise<MadeToken> {
  return retryAborted(async () => {
    const plan = await planTenant(context, wanted.tenant);
    const made = newToken({ ...wanted, tenant: plan.tenant }, context.clock.now());
    await context.store.commit(systemTenant, [...plan.mutations, made.mutation], plan.expectations);
    return made;
  });
}
