import { StoredBlock } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { fromTimestamp } from "../../kit/timestamp.ts";
import type { Key, KeyRange, Mutation, Store, TenantId } from "../../store/store.ts";
import { blockUseKey, snapshotKey, snapshotTimeKey } from "../keys.ts";
import type { BlockFiles } from "./block-files.ts";
import { snapshotPinId } from "./snapshot-key.ts";
import { blockRange } from "./stored-blocks.ts";
import { changeSnapshot } from "./stored-snapshots.ts";

/**
 * Removes a snapshot with its blocks; the plan stays and tells later resume points that it is gone. Its life ends first, so that nobody
 * reads it while the rest goes page by page; a removal that is broken off is ended by the sweep.
 */
export async function removeSnapshot(
  store: Store,
  files: BlockFiles,
  tenant: TenantId,
  key: Uint8Array,
): Promise<void> {
  const stored = await changeSnapshot(store, tenant, key, (found) => ({ ...found, expireTimeMicros: 1n }));
  const createTime = stored?.snapshot?.createTime;
  if (createTime === undefined) return;
  await store.unpin(tenant, snapshotPinId(key));
  await removeBlocks(store, files, tenant, key);
  await files.removeBuilding(tenant, key);
  const time = fromTimestamp(createTime, "create_time");
  await store.commit(tenant, [{ delete: snapshotKey(key) }, { delete: snapshotTimeKey(time, key) }]);
}

async function removeBlocks(store: Store, files: BlockFiles, tenant: TenantId, key: Uint8Array): Promise<void> {
  let range: KeyRange | undefined = blockRange(key);
  while (range !== undefined) {
    const page = await store.scan(tenant, range);
    const digests = page.entries.map(({ value }) => StoredBlock.decode(value).digest);
    const mutations = [
      ...page.entries.map((entry) => ({ delete: entry.key })),
      ...distinct(digests.map((digest) => blockUseKey(digest, key))).map((use) => ({ delete: use })),
    ] satisfies Mutation[];
    if (mutations.length > 0) await store.commit(tenant, mutations);
    for (const digest of digests) await files.removeUnused(tenant, digest);
    range = page.next && { start: page.next, end: range.end };
  }
}

/** Two equal blocks of one snapshot have one use. */
function distinct(keys: readonly Key[]): Key[] {
  return [...new Map(keys.map((key) => [Buffer.from(key).toString("hex"), key])).values()];
}
