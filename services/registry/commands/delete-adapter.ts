import { StoredAdapter } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { encoded } from "../../kit/encoded.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { TenantId } from "../../store/store.ts";
import { adapterInUse, adapterNotFound } from "../adapters/adapter-errors.ts";
import { expectNoNewUse } from "../adapters/adapter-use.ts";
import type { ChangeContext } from "../adapters/change-version.ts";
import { findAdapter, isDeleted } from "../adapters/stored-adapters.ts";
import { useOfAdapter } from "../adapters/uses.ts";
import { adapterKey } from "../keys.ts";

/** Deletes an adapter and with it its versions; one that was deleted before stays so. Rejects with ADAPTER_NOT_FOUND, ADAPTER_IN_USE. */
export function deleteAdapter(context: ChangeContext, tenant: TenantId, name: string): Promise<void> {
  const { store } = context;
  const attempt = async (): Promise<void> => {
    const adapter = await findAdapter(store, tenant, name);
    if (adapter === undefined) throw adapterNotFound(name);
    if (isDeleted(adapter)) return;
    const unused = await expectNoNewUse(store, tenant, name);
    const use = await useOfAdapter(store, tenant, name);
    if (use !== undefined) throw adapterInUse(name, use);
    const key = adapterKey(name);
    const value = encoded(StoredAdapter, { ...adapter.stored, deleteTimeMicros: context.clock.now() });
    await store.commit(tenant, [{ put: key, value }], [{ key, revision: adapter.revision }, ...unused]);
  };
  return context.turns.take(`${tenant}/${name}`, () => retryAborted(attempt));
}
