import { StoredBlock } from "../../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { entries } from "../../../store/entries.ts";
import { afterKey, prefixRange } from "../../../store/range.ts";
import type { Key, StoreReader, TenantId } from "../../../store/store.ts";
import { blockKey } from "../../keys.ts";

const prefixBytes = blockKey(new Uint8Array(32), 0n).length - 8;

/** All keys of a snapshot's blocks. */
export function blockRange(snapshot: Uint8Array): { start: Key; end: Key } {
  return prefixRange(blockKey(snapshot, 0n).subarray(0, prefixBytes));
}

/** The index of a snapshot in the store, block by block. */
export const storedBlocks = {
  /** The newest block that begins at or before the sample. */
  async at(
    reader: StoreReader,
    tenant: TenantId,
    snapshot: Uint8Array,
    sample: number,
  ): Promise<StoredBlock | undefined> {
    const { start } = blockRange(snapshot);
    const end = afterKey(blockKey(snapshot, BigInt(sample)));
    const page = await reader.scan(tenant, { start, end }, { reverse: true, limit: 1 });
    return page.entries[0] && StoredBlock.decode(page.entries[0].value);
  },

  last(reader: StoreReader, tenant: TenantId, snapshot: Uint8Array): Promise<StoredBlock | undefined> {
    return storedBlocks.at(reader, tenant, snapshot, Number.MAX_SAFE_INTEGER);
  },

  async *all(reader: StoreReader, tenant: TenantId, snapshot: Uint8Array): AsyncGenerator<StoredBlock> {
    for await (const { value } of entries(reader, tenant, blockRange(snapshot))) yield StoredBlock.decode(value);
  },
};
