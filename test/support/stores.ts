import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import type { ExportConfiguration } from "../../services/export/configuration.ts";

/** Each kind of store as `startTestServer` takes it; in projects that start a PostgreSQL. */
export const storeKinds: readonly ExportConfiguration["store"][] = ["memory", "rocksdb", "postgres"];

/** A new, empty store of a kind. */
export function storeConfiguration(store: ExportConfiguration["store"]): Partial<ExportConfiguration> {
  if (store !== "postgres") return { store };
  return { store, store_url: inject("postgresUrl"), store_schema: `test_${randomBytes(8).toString("hex")}` };
}
