import type { Adapter } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { StoredAdapter } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import type { Caller } from "../../kit/call.ts";
import { encoded } from "../../kit/encoded.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import { adapterNotFound } from "../adapters/adapter-errors.ts";
import { showAdapter } from "../adapters/shown-adapter.ts";
import { findAdapter, isDeleted, type KeptAdapter } from "../adapters/stored-adapters.ts";
import type { RegistryContext } from "../context.ts";
import { adapterKey } from "../keys.ts";
import { whileAllHeld } from "../training/adapter-holds.ts";

/**
 * Brings an adapter back; one that is not deleted stays as it is. Rejects with ADAPTER_NOT_FOUND; as `whileAllHeld` does where snapshots of its versions are gone, without which nobody
 * could say what these were trained on.
 */
export async function restoreAdapter(
  context: RegistryContext,
  caller: Caller,
  name: string,
  signal: AbortSignal,
): Promise<Adapter> {
  const { store } = context;
  const { tenant } = caller;
  const restored = await retryAborted(async (): Promise<KeptAdapter> => {
    const adapter = await findAdapter(store, tenant, name);
    if (adapter === undefined) throw adapterNotFound(name);
    if (!isDeleted(adapter)) return adapter;
    const key = adapterKey(name);
    const stored = { ...adapter.stored, deleteTimeMicros: 0n };
    const value = encoded(StoredAdapter, stored);
    return whileAllHeld(context, caller, { adapter: name, signal }, async () => {
      const { revision } = await store.commit(tenant, [{ put: key, value }], [{ key, revision: adapter.revision }]);
      return { name, stored, revision };
    });
  });
  return showAdapter(store, tenant, restored);
}
