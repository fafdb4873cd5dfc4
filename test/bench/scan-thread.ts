import { parentPort, workerData } from "node:worker_threads";
import { openReader } from "../../services/store/open-reader.ts";
import type { KeyRange, StoreShare, TenantId } from "../../services/store/store.ts";

/** Scans a range once in a worker thread and says how many entries it held. */

const { share, tenant, range } = workerData as {
  readonly share: StoreShare;
  readonly tenant: TenantId;
  readonly range: KeyRange;
};
const reader = await openReader(share);
let found = 0;
for (let rest: KeyRange | undefined = range; rest; ) {
  const page = await reader.scan(tenant, rest);
  found += page.entries.length;
  rest = page.next && { start: page.next, end: range.end };
}
await reader.close();
parentPort?.postMessage(found);
