import { StoredSnapshot } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { prefixRange } from "../../store/range.ts";
import type { Expectation, Micros, Mutation, StoreReader, TenantId } from "../../store/store.ts";
import { snapshotHoldKey, snapshotKey } from "../keys.ts";
import { isExpired, isRemoved, lifeEnd } from "./expiry.ts";
import { snapshotExpired } from "./snapshot-errors.ts";

/** A part of a commit. */
export interface Changes {
  readonly mutations: readonly Mutation[];
  readonly expectations: readonly Expectation[];
}

/** Name of a run as a holder of snapshots. */
export function runHolder(run: string): string {
  return `run/${run}`;
}

/** What holds a snapshot from the commit on. It writes the snapshot too, so that no removal comes between. Rejects with SNAPSHOT_EXPIRED. */
export async function holdSnapshot(
  store: StoreReader,
  tenant: TenantId,
  key: Uint8Array,
  holder: string,
  now: Micros,
): Promise<Changes> {
  const entry = await store.get(tenant, snapshotKey(key));
  const stored = entry && StoredSnapshot.decode(entry.value);
  if (entry === undefined || stored === undefined || isRemoved(stored) || isExpired(stored, now)) {
    throw snapshotExpired(key);
  }
  return {
    mutations: [
      { put: snapshotKey(key), value: StoredSnapshot.encode({ ...stored, held: true }).finish() },
      { put: snapshotHoldKey(key, holder), value: new Uint8Array() },
    ],
    expectations: [{ key: snapshotKey(key), revision: entry.revision }],
  };
}

/** What ends a hold: its life, if it has one, begins anew. */
export async function releaseSnapshot(
  store: StoreReader,
  tenant: TenantId,
  key: Uint8Array,
  holder: string,
  now: Micros,
): Promise<Changes> {
  const entry = await store.get(tenant, snapshotKey(key));
  if (entry === undefined) return { mutations: [], expectations: [] };
  const stored = StoredSnapshot.decode(entry.value);
  const held = (await holdersOf(store, tenant, key)).some((other) => other !== holder);
  const released = { ...stored, held, expireTimeMicros: lifeEnd(stored.ttlSeconds, now) };
  return {
    mutations: [
      { put: snapshotKey(key), value: StoredSnapshot.encode(released).finish() },
      { delete: snapshotHoldKey(key, holder) },
    ],
    expectations: [{ key: snapshotKey(key), revision: entry.revision }],
  };
}

/** Two of those who hold a snapshot, if there are as many. */
export async function holdersOf(store: StoreReader, tenant: TenantId, key: Uint8Array): Promise<string[]> {
  const prefix = snapshotHoldKey(key, "");
  const { entries } = await store.scan(tenant, prefixRange(prefix), { limit: 2 });
  return entries.map((entry) => Buffer.from(entry.key).toString("utf8", prefix.length));
}
