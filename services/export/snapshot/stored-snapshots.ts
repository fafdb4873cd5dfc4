import { StoredSnapshot } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { encoded } from "../../kit/encoded.ts";
import { entries } from "../../store/entries.ts";
import { prefixRange } from "../../store/range.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { Entry, Key, KeyRange, Mutation, Store, StoreReader, TenantId } from "../../store/store.ts";
import { snapshotKey } from "../keys.ts";
import { isRemoved } from "./expiry.ts";

/** A stored snapshot with its key. */
export interface SnapshotEntry {
  readonly key: Uint8Array;
  readonly stored: StoredSnapshot;
}

const prefixBytes = snapshotKey(new Uint8Array()).length;

export async function getSnapshot(
  store: StoreReader,
  tenant: TenantId,
  key: Uint8Array,
): Promise<StoredSnapshot | undefined> {
  const entry = await store.get(tenant, snapshotKey(key));
  return entry && StoredSnapshot.decode(entry.value);
}

/**
 * Changes a stored snapshot, in one commit with `more`; again where another commit came between. Returns what is stored then:
 * undefined where there is none or it is being removed, and unchanged where `change` gives undefined.
 */
export function changeSnapshot(
  store: Store,
  tenant: TenantId,
  key: Uint8Array,
  change: (stored: StoredSnapshot) => StoredSnapshot | undefined,
  more: readonly Mutation[] = [],
): Promise<StoredSnapshot | undefined> {
  return retryAborted(async () => {
    const entry = await store.get(tenant, snapshotKey(key));
    if (entry === undefined) return undefined;
    const stored = StoredSnapshot.decode(entry.value);
    if (isRemoved(stored)) return undefined;
    const changed = change(stored);
    if (changed === undefined) return stored;
    const put: Mutation = { put: snapshotKey(key), value: encoded(StoredSnapshot, changed) };
    await store.commit(tenant, [put, ...more], [{ key: snapshotKey(key), revision: entry.revision }]);
    return changed;
  });
}

/** All snapshots whose key begins with these hex digits, by key; all of them for none. */
export async function* snapshotsByKey(
  store: StoreReader,
  tenant: TenantId,
  hexPrefix = "",
): AsyncGenerator<SnapshotEntry> {
  for await (const entry of entries(store, tenant, keysFrom(hexPrefix))) yield toSnapshotEntry(entry);
}

/** All snapshots by key, from a key on. */
export async function* snapshotsFrom(store: StoreReader, tenant: TenantId, key: Key): AsyncGenerator<SnapshotEntry> {
  const range = { start: snapshotKey(key), end: prefixRange(snapshotKey(new Uint8Array())).end };
  for await (const entry of entries(store, tenant, range)) yield toSnapshotEntry(entry);
}

function keysFrom(hexPrefix: string): KeyRange {
  const bound = (fill: string): Uint8Array => Buffer.from(hexPrefix.padEnd(64, fill), "hex");
  return { start: snapshotKey(bound("0")), end: Buffer.concat([snapshotKey(bound("f")), Buffer.of(0)]) };
}

function toSnapshotEntry(entry: Entry): SnapshotEntry {
  return { key: entry.key.subarray(prefixBytes), stored: StoredSnapshot.decode(entry.value) };
}
