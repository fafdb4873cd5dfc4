import { StoredTenant } from "../../../proto/gen/loraloop/storage/v1/token.ts";
import { uint32 } from "../../store/key-parts.ts";
import type { Entry, Expectation, Mutation, TenantId } from "../../store/store.ts";
import { encoded } from "../encoded.ts";
import { systemTenant, systemTenantName, tenantKey, tenantNumberKey, tenants } from "./keys.ts";
import type { TokenContext } from "./tokens.ts";

/** What tenants are called. */
export const tenantForm: RegExp = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

export interface Tenant {
  readonly name: string;
  readonly number: TenantId;
}

/** A tenant and, where it is new, what a commit in the system's tenant must hold to make it. */
export interface TenantPlan {
  readonly tenant: Tenant;
  readonly mutations: readonly Mutation[];
  readonly expectations: readonly Expectation[];
}

/** Finds the tenant of a name, or plans it with the next free number. */
export async function planTenant(context: TokenContext, name: string): Promise<TenantPlan> {
  const tenant = await findTenant(context, name);
  if (tenant !== undefined) return { tenant, mutations: [], expectations: [] };
  const last = await context.store.get(systemTenant, tenantNumberKey);
  const number = lastNumber(last) + 1;
  const stored: StoredTenant = { number, createTimeMicros: context.clock.now() };
  return {
    tenant: { name, number },
    mutations: [
      { put: tenantKey(name), value: encoded(StoredTenant, stored) },
      { put: tenantNumberKey, value: uint32(number) },
    ],
    expectations: [
      { key: tenantKey(name), revision: 0n },
      { key: tenantNumberKey, revision: last?.revision ?? 0n },
    ],
  };
}

export async function findTenant(context: TokenContext, name: string): Promise<Tenant | undefined> {
  if (name === systemTenantName) return { name, number: systemTenant };
  const entry = await context.store.get(systemTenant, tenantKey(name));
  return entry === undefined ? undefined : { name, number: StoredTenant.decode(entry.value).number };
}

/** All tenants of the store, the system's too. */
export async function tenantNumbers(context: TokenContext): Promise<TenantId[]> {
  const last = lastNumber(await context.store.get(systemTenant, tenantNumberKey));
  return Array.from({ length: last + 1 }, (_, number) => number);
}

/** All tenants of the store by name, but not the system's. */
export async function namedTenants({ store }: TokenContext): Promise<Tenant[]> {
  const found: Tenant[] = [];
  let start: Uint8Array | undefined = tenants.start;
  while (start !== undefined) {
    const page = await store.scan(systemTenant, { start, end: tenants.end });
    for (const { key, value } of page.entries) {
      const name = Buffer.from(key).toString().slice("tenant/".length);
      found.push({ name, number: StoredTenant.decode(value).number });
    }
    start = page.next;
  }
  return found;
}

function lastNumber(entry: Entry | undefined): TenantId {
  return entry === undefined ? systemTenant : Buffer.from(entry.value).readUInt32BE();
}
