import { StoredSnapshotHold } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { Clock, Micros, Store, TenantId } from "../../store/store.ts";
import { snapshotHoldKey } from "../keys.ts";
import { endedHolders, isOver, releaseSnapshot } from "./holds.ts";

/** Releases the holds of a snapshot that have ended by themselves. */
export async function endHolds(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  tenant: TenantId,
  key: Uint8Array,
): Promise<void> {
  const now = clock.now();
  for await (const holder of endedHolders(store, tenant, key, now)) await endHold(store, tenant, key, holder, now);
}

/** Unless it was placed again meanwhile. */
function endHold(store: Store, tenant: TenantId, key: Uint8Array, holder: string, now: Micros): Promise<void> {
  return retryAborted(async () => {
    const hold = await store.get(tenant, snapshotHoldKey(key, holder));
    if (hold === undefined || !isOver(StoredSnapshotHold.decode(hold.value), now)) return;
    const { mutations, expectations } = await releaseSnapshot(store, tenant, key, holder, now);
    await store.commit(tenant, mutations, [...expectations, hold]);
  });
}
