import type { StoreReader, StoreShare } from "./store.ts";

/** Opens a reader in a worker thread from what `Store.share()` gave. Loads no other adapter's code. */
export async function openReader(share: StoreShare): Promise<StoreReader> {
  switch (share.kind) {
    case "memory": {
      const { MemoryReader } = await import("./memory/reader.ts");
      return new MemoryReader(share.port);
    }
    case "rocksdb": {
      const { openRocksdbReader } = await import("./rocksdb/reader.ts");
      return openRocksdbReader(share);
    }
    case "postgres": {
      const { openPostgresReader } = await import("./postgres/reader.ts");
      return openPostgresReader(share.url, share.schema);
    }
    default:
      return share satisfies never;
  }
}
