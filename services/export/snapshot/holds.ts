import { StoredSnapshot, StoredSnapshotHold } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { encoded } from "../../kit/encoded.ts";
import type { Changes } from "../../store/commit-changes.ts";
import { entries } from "../../store/entries.ts";
import { prefixRange } from "../../store/range.ts";
import type { Entry, Micros, StoreReader, TenantId } from "../../store/store.ts";
import { holderKey, snapshotHoldKey, snapshotKey } from "../keys.ts";
import { isExpired, isRemoved, lifeEnd } from "./expiry.ts";
import { snapshotMissing } from "./missing-snapshot.ts";

const holderStart = snapshotHoldKey(new Uint8Array(32), "").length;

/** Name of a run as a holder of snapshots. */
export function runHolder(run: string): string {
  return `run/${run}`;
}

/** What holds a snapshot from the commit on, until it is released or `expires` (never where 0). It writes the snapshot too, so that no removal comes between. Rejects with SNAPSHOT_NOT_FOUND, SNAPSHOT_EXPIRED. */
export async function holdSnapshot(
  store: StoreReader,
  tenant: TenantId,
  key: Uint8Array,
  { holder, expires, now }: { readonly holder: string; readonly expires: Micros; readonly now: Micros },
): Promise<Changes> {
  const entry = await store.get(tenant, snapshotKey(key));
  const stored = entry && StoredSnapshot.decode(entry.value);
  if (entry === undefined || stored === undefined || isRemoved(stored) || isExpired(stored, now)) {
    throw await snapshotMissing(store, tenant, key);
  }
  const before = await store.get(tenant, snapshotHoldKey(key, holder));
  const { createTimeMicros } = before ? StoredSnapshotHold.decode(before.value) : { createTimeMicros: now };
  const { collectionNumber } = stored;
  const hold = encoded(StoredSnapshotHold, { createTimeMicros, expireTimeMicros: expires, collectionNumber });
  return {
    mutations: [
      { put: snapshotKey(key), value: encoded(StoredSnapshot, { ...stored, held: true }) },
      { put: snapshotHoldKey(key, holder), value: hold },
      { put: holderKey(holder, key), value: hold },
    ],
    expectations: [{ key: snapshotKey(key), revision: entry.revision }],
  };
}

/** What ends a hold: the snapshot's life, if it has one, begins anew. */
export async function releaseSnapshot(
  store: StoreReader,
  tenant: TenantId,
  key: Uint8Array,
  holder: string,
  now: Micros,
): Promise<Changes> {
  const gone = [{ delete: snapshotHoldKey(key, holder) }, { delete: holderKey(holder, key) }];
  const entry = await store.get(tenant, snapshotKey(key));
  if (entry === undefined) return { mutations: gone, expectations: [] };
  const stored = StoredSnapshot.decode(entry.value);
  const held = (await holdersOf(store, tenant, key)).some((other) => other !== holder);
  const released = { ...stored, held, expireTimeMicros: lifeEnd(stored.ttlSeconds, now) };
  return {
    mutations: [{ put: snapshotKey(key), value: encoded(StoredSnapshot, released) }, ...gone],
    expectations: [{ key: snapshotKey(key), revision: entry.revision }],
  };
}

/** Two of those who hold a snapshot, if there are as many. */
export async function holdersOf(store: StoreReader, tenant: TenantId, key: Uint8Array): Promise<string[]> {
  const { entries } = await store.scan(tenant, prefixRange(snapshotHoldKey(key, "")), { limit: 2 });
  return entries.map(holderOf);
}

/** Those whose holds of a snapshot have ended by themselves. */
export async function* endedHolders(
  store: StoreReader,
  tenant: TenantId,
  key: Uint8Array,
  now: Micros,
): AsyncGenerator<string> {
  for await (const entry of entries(store, tenant, prefixRange(snapshotHoldKey(key, "")))) {
    if (isOver(StoredSnapshotHold.decode(entry.value), now)) yield holderOf(entry);
  }
}

/** Whether a hold has ended by itself; one without a value, as those of runs were once, never does. */
export function isOver({ expireTimeMicros }: StoredSnapshotHold, now: Micros): boolean {
  return expireTimeMicros !== 0n && expireTimeMicros <= now;
}

function holderOf({ key }: Entry): string {
  return Buffer.from(key).toString("utf8", holderStart);
}
