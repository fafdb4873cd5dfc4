import type { Caller, Scope } from "../call.ts";
import { systemTenant, systemTenantName } from "./keys.ts";
import { makeToken, tokenDigest } from "./token.ts";

/** Tokens of the tenant `system` that a process gives to its own services: kept in memory only, so they end with it and nobody can read, list or revoke them. */
export class ProcessTokens {
  readonly #callers = new Map<string, Caller>();

  /** A new bearer token with these scopes. */
  issue(scopes: readonly Scope[]): string {
    const { id, secret } = makeToken();
    const caller = { tenant: systemTenant, tenantName: systemTenantName, tokenId: id, scopes: new Set(scopes) };
    this.#callers.set(keyOf(secret), caller);
    return secret;
  }

  /** Who the token stands for, if it is one of these. */
  find(secret: string): Caller | undefined {
    return this.#callers.get(keyOf(secret));
  }
}

/** Looked up by digest: how long it takes says nothing about a secret. */
function keyOf(secret: string): string {
  return tokenDigest(secret).toString("hex");
}
