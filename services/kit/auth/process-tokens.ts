import type { Caller, Scope } from "../call.ts";
import { systemTenant, systemTenantName } from "./keys.ts";
import { isDigestOf, makeToken, tokenDigest, tokenId } from "./token.ts";

interface IssuedToken {
  readonly digest: Buffer;
  readonly caller: Caller;
}

/** Tokens of the tenant `system` that a process gives to its own services: kept in memory only, so they end with it and nobody can read, list or revoke them. */
export class ProcessTokens {
  /** By id. */
  readonly #issued = new Map<string, IssuedToken>();

  /** A new bearer token with these scopes. */
  issue(scopes: readonly Scope[]): string {
    const { id, secret } = makeToken();
    const caller = { tenant: systemTenant, tenantName: systemTenantName, tokenId: id, scopes: new Set(scopes) };
    this.#issued.set(id, { digest: tokenDigest(secret), caller });
    return secret;
  }

  /** Who the token stands for, if it is one of these. */
  find(secret: string): Caller | undefined {
    const issued = this.#issued.get(tokenId(secret) ?? "");
    return issued !== undefined && isDigestOf(issued.digest, secret) ? issued.caller : undefined;
  }
}
