import type { StoredToken } from "../../../../proto/gen/loraloop/storage/v1/token.ts";
import type { Caller } from "../../call.ts";
import type { AuthContext } from "../context.ts";
import { systemTenant } from "../keys.ts";
import { scanTokens } from "../tokens.ts";

export interface TokenPage {
  readonly tokens: readonly (readonly [string, StoredToken])[];
  /** Id after which the next page begins; absent on the last one. */
  readonly next?: string;
}

/** Tokens by id: the caller's tenant's, or everybody's for the system's tenant. */
export async function listTokens(
  context: AuthContext,
  caller: Caller,
  options: { readonly limit: number; readonly after?: string },
): Promise<TokenPage> {
  const found: [string, StoredToken][] = [];
  for await (const [id, stored] of scanTokens(context, options.after)) {
    if (caller.tenant !== systemTenant && stored.tenantNumber !== caller.tenant) continue;
    const last = found.at(-1);
    if (found.length === options.limit && last) return { tokens: found, next: last[0] };
    found.push([id, stored]);
  }
  return { tokens: found };
}
