import { StoredBlock, StoredSnapshot } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { encoded } from "../../kit/encoded.ts";
import { fromTimestamp } from "../../kit/timestamp.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import {
  type Expectation,
  type Key,
  type KeyRange,
  type Mutation,
  type Store,
  StoreError,
  type TenantId,
} from "../../store/store.ts";
import { blockUseKey, snapshotKey, snapshotTimeKey } from "../keys.ts";
import type { BlockFiles } from "./blocks/block-files.ts";
import { blockRange } from "./blocks/stored-blocks.ts";
import type { Builds } from "./build/builds.ts";
import { isRemoved, REMOVED } from "./expiry.ts";
import { Mutex } from "./mutex.ts";
import { snapshotPinId } from "./snapshot-key.ts";
import type { SampleTables } from "./table/sample-tables.ts";

/** What a removal needs; `builds` are those of this process. */
export interface RemoverParts {
  readonly store: Store;
  readonly files: BlockFiles;
  readonly tables: SampleTables;
  readonly builds: Builds;
}

interface Marked {
  readonly stored: StoredSnapshot;
  /** Of the mark: nothing changes the snapshot after it, so a later one is that of another snapshot of this key. */
  readonly mark: Expectation;
}

/** Removes snapshots with their blocks, one after the other. */
export class SnapshotRemover {
  readonly #parts: RemoverParts;
  readonly #mutex = new Mutex();

  constructor(parts: RemoverParts) {
    this.#parts = parts;
  }

  /**
   * Removes a snapshot if `condition` holds for what is stored now; the plan stays and tells later resume points that it is gone. Its
   * life ends first, so that nobody reads, builds or renews it while the rest goes page by page; a removal that is broken off is ended
   * by the sweep. Returns whether it was removed.
   */
  remove(tenant: TenantId, key: Uint8Array, condition: (stored: StoredSnapshot) => boolean): Promise<boolean> {
    return this.#mutex.run(async () => {
      const marked = await markRemoved(this.#parts.store, tenant, key, condition);
      if (marked === undefined) return false;
      await this.#parts.builds.running(tenant, key)?.stop();
      try {
        await this.#removeMarked(tenant, key, marked);
      } catch (error) {
        // Another process was faster.
        if (!(error instanceof StoreError && error.code === "ABORTED")) throw error;
      }
      return true;
    });
  }

  async #removeMarked(tenant: TenantId, key: Uint8Array, { stored, mark }: Marked): Promise<void> {
    const { store, files, tables } = this.#parts;
    await store.unpin(tenant, snapshotPinId(key));
    await removeBlocks(this.#parts, tenant, key, mark);
    await files.removeBuilding(tenant, key);
    tables.remove(tenant, key);
    const time = fromTimestamp(stored.snapshot?.createTime ?? { seconds: 0n, nanos: 0 }, "create_time");
    await store.commit(tenant, [{ delete: snapshotKey(key) }, { delete: snapshotTimeKey(time, key) }], [mark]);
  }
}

/** Undefined where there is no such snapshot, or the condition does not hold. */
function markRemoved(
  store: Store,
  tenant: TenantId,
  key: Uint8Array,
  condition: (stored: StoredSnapshot) => boolean,
): Promise<Marked | undefined> {
  return retryAborted(async () => {
    const entry = await store.get(tenant, snapshotKey(key));
    if (entry === undefined) return undefined;
    const stored = StoredSnapshot.decode(entry.value);
    const found: Expectation = { key: snapshotKey(key), revision: entry.revision };
    if (isRemoved(stored)) return { stored, mark: found };
    if (!condition(stored)) return undefined;
    const value = encoded(StoredSnapshot, { ...stored, expireTimeMicros: REMOVED });
    const { revision } = await store.commit(tenant, [{ put: snapshotKey(key), value }], [found]);
    return { stored, mark: { key: snapshotKey(key), revision } };
  });
}

async function removeBlocks(
  { store, files }: RemoverParts,
  tenant: TenantId,
  key: Uint8Array,
  mark: Expectation,
): Promise<void> {
  let range: KeyRange | undefined = blockRange(key);
  while (range !== undefined) {
    const page = await store.scan(tenant, range);
    const digests = page.entries.map(({ value }) => StoredBlock.decode(value).digest);
    const mutations = [
      ...page.entries.map((entry) => ({ delete: entry.key })),
      ...distinct(digests.map((digest) => blockUseKey(digest, key))).map((use) => ({ delete: use })),
    ] satisfies Mutation[];
    if (mutations.length > 0) await store.commit(tenant, mutations, [mark]);
    for (const digest of digests) await files.removeUnused(tenant, digest);
    range = page.next && { start: page.next, end: range.end };
  }
}

/** Two equal blocks of one snapshot have one use. */
function distinct(keys: readonly Key[]): Key[] {
  return [...new Map(keys.map((key) => [Buffer.from(key).toString("hex"), key])).values()];
}
