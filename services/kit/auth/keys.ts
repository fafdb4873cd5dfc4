/**
 * The keys of the system's tenant (number 0).
 *
 *   token/<id>       StoredToken
 *   revoked/<id>     StoredToken: was revoked
 *   tenant/<name>    StoredTenant
 *   tenant-number    uint32: last number given
 *   page-secret      32 random bytes: key of the page tokens' MAC
 */
import type { Key, KeyRange, TenantId } from "../../store/store.ts";

export const systemTenant: TenantId = 0;
export const systemTenantName = "system";

export const tokenKey = (id: string): Key => Buffer.from(`token/${id}`);
export const revokedTokenKey = (id: string): Key => Buffer.from(`revoked/${id}`);
export const tokens: KeyRange = { start: Buffer.from("token/"), end: Buffer.from("token0") };
export const tenantKey = (name: string): Key => Buffer.from(`tenant/${name}`);
export const tenants: KeyRange = { start: Buffer.from("tenant/"), end: Buffer.from("tenant0") };
export const tenantNumberKey: Key = Buffer.from("tenant-number");
export const pageSecretKey: Key = Buffer.from("page-secret");
