import { StoredAdapter } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import type { Entry, Revision, StoreReader, TenantId } from "../../store/store.ts";
import { adapterKey } from "../keys.ts";
import { adapterDeleted, adapterNotFound } from "./adapter-errors.ts";

/** What reading needs of a store. */
export type Reader = Pick<StoreReader, "get" | "scan">;

/** An adapter as it is kept. */
export interface KeptAdapter {
  readonly name: string;
  readonly stored: StoredAdapter;
  /** Commit that changed it last. */
  readonly revision: Revision;
}

/** The adapter, deleted or not; undefined where there never was one. */
export async function findAdapter(
  store: Reader,
  tenant: TenantId,
  name: string,
  at?: Revision,
): Promise<KeptAdapter | undefined> {
  const entry = await store.get(tenant, adapterKey(name), at);
  return entry && toAdapter(name, entry);
}

/** The adapter where it is not deleted. Rejects with ADAPTER_NOT_FOUND. */
export async function getAdapter(store: Reader, tenant: TenantId, name: string, at?: Revision): Promise<KeptAdapter> {
  const adapter = await findAdapter(store, tenant, name, at);
  if (adapter === undefined) throw adapterNotFound(name);
  if (isDeleted(adapter)) throw adapterDeleted(name);
  return adapter;
}

export function toAdapter(name: string, entry: Pick<Entry, "value" | "revision">): KeptAdapter {
  return { name, stored: StoredAdapter.decode(entry.value), revision: entry.revision };
}

export function isDeleted({ stored }: KeptAdapter): boolean {
  return stored.deleteTimeMicros !== 0n;
}
