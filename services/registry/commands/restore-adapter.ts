import type { Adapter } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { StoredAdapter } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { TenantId } from "../../store/store.ts";
import { adapterNotFound } from "../adapters/adapter-errors.ts";
import type { ChangeContext } from "../adapters/change-version.ts";
import { showAdapter } from "../adapters/shown-adapter.ts";
import { findAdapter, isDeleted, type KeptAdapter } from "../adapters/stored-adapters.ts";
import { adapterKey } from "../keys.ts";

/** Brings an adapter back; one that is not deleted stays as it is. Rejects with ADAPTER_NOT_FOUND. */
export async function restoreAdapter(context: ChangeContext, tenant: TenantId, name: string): Promise<Adapter> {
  const { store } = context;
  const attempt = async (): Promise<KeptAdapter> => {
    const adapter = await findAdapter(store, tenant, name);
    if (adapter === undefined) throw adapterNotFound(name);
    if (!isDeleted(adapter)) return adapter;
    const key = adapterKey(name);
    const stored = { ...adapter.stored, deleteTimeMicros: 0n };
    const value = StoredAdapter.encode(stored).finish();
    const { revision } = await store.commit(tenant, [{ put: key, value }], [{ key, revision: adapter.revision }]);
    return { name, stored, revision };
  };
  return showAdapter(store, tenant, await context.turns.take(`${tenant}/${name}`, () => retryAborted(attempt)));
}
