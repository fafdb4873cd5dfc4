import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "../../store/store.ts";
import { pageSecretKey, systemTenant, systemTenantName } from "./keys.ts";
import { findTenant, planTenant } from "./tenants.ts";
import { newToken, type TokenContext } from "./tokens.ts";

const firstTenant = "default";

/** Where the first start leaves the tokens: of the tenant `default`, and of `system`, which makes other tenants. */
export const tokenFile = (dataDirectory: string): string => join(dataDirectory, "token");
export const systemTokenFile = (dataDirectory: string): string => join(dataDirectory, "system-token");

/**
 * Gives a store without tenants its tenant `default`, two admin tokens in files that only the owner can read, and the secret of page tokens.
 * The files come first: a crash before the commit leaves files that the next start writes anew, never a store that nobody can enter.
 */
export async function prepareFirstStart(context: TokenContext, dataDirectory: string): Promise<void> {
  if ((await findTenant(context, firstTenant)) !== undefined) return;
  const { tenant, mutations, expectations } = await planTenant(context, firstTenant);
  const now = context.clock.now();
  const description = "made by the first start";
  const token = newToken({ description, tenant, scopes: ["admin"] }, now);
  const system = { name: systemTenantName, number: systemTenant };
  const systemToken = newToken({ description, tenant: system, scopes: ["admin"] }, now);
  mkdirSync(dataDirectory, { recursive: true });
  writeSecret(tokenFile(dataDirectory), token.secret);
  writeSecret(systemTokenFile(dataDirectory), systemToken.secret);
  const secret = { put: pageSecretKey, value: randomBytes(32) };
  try {
    await context.store.commit(
      systemTenant,
      [...mutations, token.mutation, systemToken.mutation, secret],
      expectations,
    );
  } catch (error) {
    removeFiles(dataDirectory);
    if (!(error instanceof StoreError && error.code === "ABORTED")) throw error;
  }
}

/** Secret of the store's page tokens. */
export async function readPageSecret(context: TokenContext): Promise<Uint8Array> {
  const entry = await context.store.get(systemTenant, pageSecretKey);
  if (entry === undefined) throw new Error("The store has no secret for page tokens.");
  return entry.value;
}

function writeSecret(path: string, secret: string): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, `${secret}\n`, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  const file = openSync(temporary, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

/** Another process made the first start of this store at the same time: these tokens never counted. */
function removeFiles(dataDirectory: string): void {
  rmSync(tokenFile(dataDirectory), { force: true });
  rmSync(systemTokenFile(dataDirectory), { force: true });
}
