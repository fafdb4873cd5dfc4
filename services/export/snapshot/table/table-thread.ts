import { parentPort, workerData } from "node:worker_threads";
import { openReader } from "../../../store/open-reader.ts";
import type { StoreShare, TenantId } from "../../../store/store.ts";
import { rebuildTable } from "./rebuild-table.ts";

/** Makes one sample table, off the thread that serves, and ends. */
export interface TableJob {
  readonly store: StoreShare;
  readonly tenant: TenantId;
  readonly snapshot: Uint8Array;
  readonly dataDirectory: string;
}

const job = workerData as TableJob;
const reader = await openReader(job.store);
try {
  await rebuildTable(reader, job);
} finally {
  await reader.close();
  parentPort?.close();
}
