import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { StoreError } from "../../store/store.ts";
import { pageSecretKey, systemTenant, systemTenantName } from "./keys.ts";
import { findTenant, planTenant } from "./tenants.ts";
import { findToken, newToken, type TokenContext } from "./tokens.ts";

const firstTenant = "default";

/** Where the first start leaves the tokens: of the tenant `default`, and of `system`, which makes other tenants. */
export const tokenFile = (dataDirectory: string): string => join(dataDirectory, "token");
export const systemTokenFile = (dataDirectory: string): string => join(dataDirectory, "system-token");

/** A token file on its way: nobody else writes one of this name. */
const pendingFile = /^((?:system-)?token)\.([a-z2-7]{12})$/;

/**
 * Gives a store without tenants its tenant `default`, two admin tokens in files that only the owner can read, and the secret of page tokens.
 * The files come first, under the names of their tokens, and get their own names once these count: wherever a start breaks off, or several
 * begin at once, there is a store that nobody made yet or one whose tokens are there.
 */
export async function prepareFirstStart(context: TokenContext, dataDirectory: string): Promise<void> {
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  if ((await findTenant(context, firstTenant)) === undefined) await makeFirstTenant(context, dataDirectory);
  await settleFiles(context, dataDirectory);
}

async function makeFirstTenant(context: TokenContext, dataDirectory: string): Promise<void> {
  const { tenant, mutations, expectations } = await planTenant(context, firstTenant);
  const now = context.clock.now();
  const description = "made by the first start";
  const token = newToken({ description, tenant, scopes: ["admin"] }, now);
  const system = { name: systemTenantName, number: systemTenant };
  const systemToken = newToken({ description, tenant: system, scopes: ["admin"] }, now);
  writeSecret(`${tokenFile(dataDirectory)}.${token.id}`, token.secret);
  writeSecret(`${systemTokenFile(dataDirectory)}.${systemToken.id}`, systemToken.secret);
  const secret = { put: pageSecretKey, value: randomBytes(32) };
  try {
    await context.store.commit(
      systemTenant,
      [...mutations, token.mutation, systemToken.mutation, secret],
      expectations,
    );
  } catch (error) {
    if (!(error instanceof StoreError && error.code === "ABORTED")) throw error;
  }
}

/** Where there is a tenant, a token that the store does not know never counted: another process made the first start. */
async function settleFiles(context: TokenContext, dataDirectory: string): Promise<void> {
  for (const file of readdirSync(dataDirectory)) {
    const [, name, id] = pendingFile.exec(file) ?? [];
    if (name === undefined || id === undefined) continue;
    const counts = (await findToken(context, id)) !== undefined;
    const path = join(dataDirectory, file);
    if (!counts) rmSync(path, { force: true });
    else if (existsSync(path)) renameSync(path, join(dataDirectory, name));
  }
}

/** Secret of the store's page tokens. */
export async function readPageSecret(context: TokenContext): Promise<Uint8Array> {
  const entry = await context.store.get(systemTenant, pageSecretKey);
  if (entry === undefined) throw new Error("The store has no secret for page tokens.");
  return entry.value;
}

function writeSecret(path: string, secret: string): void {
  const file = openSync(path, "wx", 0o600);
  try {
    writeSync(file, `${secret}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
