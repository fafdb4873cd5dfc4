import type { Adapter } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { TenantId } from "../../store/store.ts";
import { adapterNotFound } from "../adapters/adapter-errors.ts";
import { showAdapter } from "../adapters/shown-adapter.ts";
import { findAdapter, getAdapter as getLiveAdapter, type Reader } from "../adapters/stored-adapters.ts";

/** Rejects with ADAPTER_NOT_FOUND. */
export async function getAdapter(
  { store }: { readonly store: Reader },
  tenant: TenantId,
  name: string,
  includeDeleted: boolean,
): Promise<Adapter> {
  const adapter = includeDeleted ? await findAdapter(store, tenant, name) : await getLiveAdapter(store, tenant, name);
  if (adapter === undefined) throw adapterNotFound(name);
  return showAdapter(store, tenant, adapter);
}
