import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { inject } from "vitest";
import type { ExportConfiguration } from "../../services/export/configuration.ts";
import type { StoreConfig } from "../../services/store/open-store.ts";

/** Each kind of store as `startTestServer` takes it; in projects that start a PostgreSQL. */
export const storeKinds: readonly ExportConfiguration["store"][] = ["memory", "rocksdb", "postgres"];

/** A new, empty store of a kind as `startTestServer` takes it. */
export function storeConfiguration(store: ExportConfiguration["store"]): Partial<ExportConfiguration> {
  if (store !== "postgres") return { store };
  return { store, store_url: inject("postgresUrl"), store_schema: newSchema() };
}

/** A new, empty store of a kind as `openStore` takes it; RocksDB's is below the folder. */
export function configOf(kind: StoreConfig["kind"], folder: string): StoreConfig {
  switch (kind) {
    case "memory":
      return { kind };
    case "rocksdb":
      return { kind, folder: join(folder, "store") };
    case "postgres":
      return { kind, url: inject("postgresUrl"), schema: newSchema() };
  }
}

function newSchema(): string {
  return `test_${randomBytes(8).toString("hex")}`;
}
