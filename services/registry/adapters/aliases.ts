import { StoredAlias } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import type { Entry, Revision, TenantId } from "../../store/store.ts";
import { aliasKey, prefixRange } from "../keys.ts";
import { aliasNotFound } from "./adapter-errors.ts";
import type { Reader } from "./stored-adapters.ts";

/** An alias as it is kept. */
export interface KeptAlias {
  readonly adapter: string;
  readonly alias: string;
  readonly stored: StoredAlias;
  /** Commit that moved it last. */
  readonly revision: Revision;
}

/** The alias, also one that was removed; undefined where there never was one. */
export async function findAlias(
  store: Reader,
  tenant: TenantId,
  adapter: string,
  alias: string,
  at?: Revision,
): Promise<KeptAlias | undefined> {
  const entry = await store.get(tenant, aliasKey(adapter, alias), at);
  return entry && toAlias(adapter, alias, entry);
}

/** The alias where it points at a version. Rejects with ALIAS_NOT_FOUND. */
export async function getAlias(
  store: Reader,
  tenant: TenantId,
  adapter: string,
  alias: string,
  at?: Revision,
): Promise<KeptAlias> {
  const found = await findAlias(store, tenant, adapter, alias, at);
  if (found === undefined || found.stored.version === 0) throw aliasNotFound(adapter, alias);
  return found;
}

/** All aliases that an adapter ever had, by name: at most `adapter_aliases`. */
export async function aliasesOf(
  store: Reader,
  tenant: TenantId,
  adapter: string,
  at?: Revision,
): Promise<readonly KeptAlias[]> {
  const range = prefixRange("alias/", adapter, "\0");
  const { entries } = await store.scan(tenant, range, at === undefined ? {} : { at });
  return entries.map((entry) => toAlias(adapter, Buffer.from(entry.key).toString("utf8", range.start.length), entry));
}

function toAlias(adapter: string, alias: string, { value, revision }: Entry): KeptAlias {
  return { adapter, alias, stored: StoredAlias.decode(value), revision };
}
