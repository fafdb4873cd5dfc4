import { StoredToken } from "../../../proto/gen/loraloop/storage/v1/token.ts";
import type { Clock, Micros, Mutation, Store } from "../../store/store.ts";
import type { Caller, Scope } from "../call.ts";
import { encoded } from "../encoded.ts";
import { ServiceError } from "../errors.ts";
import { revokedTokenKey, systemTenant, tokenKey, tokens } from "./keys.ts";
import type { Tenant } from "./tenants.ts";
import { isDigestOf, makeToken, tokenDigest, tokenId } from "./token.ts";

export interface TokenContext {
  readonly store: Store;
  readonly clock: Clock;
}

export interface TokenRequest {
  readonly description: string;
  readonly tenant: Tenant;
  readonly scopes: readonly Scope[];
  /** Never where absent. */
  readonly expires?: Micros;
}

export interface MadeToken {
  readonly id: string;
  readonly secret: string;
  readonly stored: StoredToken;
  readonly mutation: Mutation;
}

/** A new token, which counts once its mutation is committed in the system's tenant. */
export function newToken(request: TokenRequest, now: Micros): MadeToken {
  const { id, secret } = makeToken();
  const stored: StoredToken = {
    digest: tokenDigest(secret),
    description: request.description,
    tenantNumber: request.tenant.number,
    tenant: request.tenant.name,
    scopes: [...request.scopes],
    createTimeMicros: now,
    expireTimeMicros: request.expires ?? 0n,
  };
  return { id, secret, stored, mutation: { put: tokenKey(id), value: encoded(StoredToken, stored) } };
}

/** Who a bearer token stands for, read from the store each time. Throws TOKEN_INVALID or TOKEN_EXPIRED. */
export async function verifyToken(context: TokenContext, secret: string): Promise<Caller> {
  const id = tokenId(secret);
  const stored = id === undefined ? undefined : await findToken(context, id);
  if (id === undefined || stored === undefined || !isDigestOf(stored.digest, secret)) {
    throw new ServiceError("TOKEN_INVALID", "The token is unknown or revoked.");
  }
  const expires = stored.expireTimeMicros;
  if (expires !== 0n && expires <= context.clock.now()) {
    const expireTime = new Date(Number(expires / 1_000n)).toISOString();
    throw new ServiceError("TOKEN_EXPIRED", `The token expired at ${expireTime}.`, { expire_time: expireTime });
  }
  return {
    tenant: stored.tenantNumber,
    tenantName: stored.tenant,
    tokenId: id,
    scopes: new Set(stored.scopes as Scope[]),
  };
}

export async function findToken({ store }: TokenContext, id: string): Promise<StoredToken | undefined> {
  const entry = await store.get(systemTenant, tokenKey(id));
  return entry === undefined ? undefined : StoredToken.decode(entry.value);
}

export async function findRevokedToken({ store }: TokenContext, id: string): Promise<StoredToken | undefined> {
  const entry = await store.get(systemTenant, revokedTokenKey(id));
  return entry === undefined ? undefined : StoredToken.decode(entry.value);
}

/** All tokens by id, from the one after `after`. */
export async function* scanTokens(context: TokenContext, after?: string): AsyncGenerator<[string, StoredToken]> {
  let start: Uint8Array | undefined = after === undefined ? tokens.start : Buffer.from(`token/${after}\0`);
  while (start !== undefined) {
    const page = await context.store.scan(systemTenant, { start, end: tokens.end });
    for (const { key, value } of page.entries) {
      yield [Buffer.from(key).toString().slice("token/".length), StoredToken.decode(value)];
    }
    start = page.next;
  }
}
