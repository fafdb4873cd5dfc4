import { StoredPlan } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { entries } from "../../store/entries.ts";
import { prefixRange } from "../../store/range.ts";
import type { Store, StoreReader, TenantId } from "../../store/store.ts";
import { planKey, snapshotKey, weightTablePartKey } from "../keys.ts";
import { hexOf } from "../snapshot/snapshot-key.ts";

/** Removes the tables of copies of plans whose snapshots are gone. The plans stay, and tell resume points that. */
export async function sweepWeightTables(store: Store, tenant: TenantId): Promise<void> {
  const needed = new Map<string, boolean>();
  for await (const { value } of entries(store, tenant, prefixRange(planKey(new Uint8Array())))) {
    const { sources } = StoredPlan.decode(value);
    const tables = sources.filter(({ weightTable }) => weightTable.length > 0);
    if (tables.length === 0) continue;
    const readable = await areThere(
      store,
      tenant,
      sources.map(({ snapshotKey: key }) => key),
    );
    for (const { weightTable } of tables) {
      const name = hexOf(weightTable);
      needed.set(name, readable || needed.get(name) === true);
    }
  }
  for (const [name, isNeeded] of needed) {
    if (!isNeeded) await removeTable(store, tenant, Buffer.from(name, "hex"));
  }
}

async function areThere(store: StoreReader, tenant: TenantId, snapshots: readonly Uint8Array[]): Promise<boolean> {
  for (const key of snapshots) {
    if ((await store.get(tenant, snapshotKey(key))) === undefined) return false;
  }
  return true;
}

async function removeTable(store: Store, tenant: TenantId, digest: Uint8Array): Promise<void> {
  for (let part = 0; ; part += 1) {
    const key = weightTablePartKey(digest, part);
    if ((await store.get(tenant, key)) === undefined) return;
    await store.commit(tenant, [{ delete: key }]);
  }
}
