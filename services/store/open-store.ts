import { systemClock } from "./clock.ts";
import type { Clock, Store } from "./store.ts";

export type StoreConfig =
  /** Forgotten when closed. */
  | { readonly kind: "memory" }
  /** Embedded; the folder is made when missing. One process at a time. */
  | { readonly kind: "rocksdb"; readonly folder: string }
  /** Shared by many processes. `schema` holds all tables of one store and is made when missing. */
  | { readonly kind: "postgres"; readonly url: string; readonly schema: string };

/** Opens a store. Loads the adapter's code only when it is the one asked for. */
export async function openStore(config: StoreConfig, clock: Clock = systemClock): Promise<Store> {
  switch (config.kind) {
    case "memory": {
      const { MemoryStore } = await import("./memory/store.ts");
      return new MemoryStore(clock);
    }
    case "rocksdb": {
      const { openRocksdbStore } = await import("./rocksdb/store.ts");
      return openRocksdbStore(config.folder, clock);
    }
    case "postgres": {
      const { openPostgresStore } = await import("./postgres/store.ts");
      return openPostgresStore(config.url, config.schema, clock);
    }
    default:
      return config satisfies never;
  }
}
