import type { Snapshot } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { Key, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { rangeOf, snapshotTimeKey } from "../keys.ts";
import { shownSnapshot } from "../snapshot/shown-snapshot.ts";
import { withoutExamples } from "../snapshot/statistics-view.ts";

export interface ListSnapshots {
  readonly limit: number;
  /** Only those of this dataset; all of them where empty. */
  readonly dataset: string;
  /** `next` of the page before. */
  readonly end: Key | undefined;
}

export interface SnapshotPage {
  /** Newest first. */
  readonly snapshots: Snapshot[];
  readonly next: Key | undefined;
}

const prefixBytes = snapshotTimeKey(0n, new Uint8Array()).length;
const all = rangeOf(snapshotTimeKey(0n, new Uint8Array()).subarray(0, prefixBytes - 8));

export async function listSnapshots(
  context: ExportContext,
  tenant: TenantId,
  { limit, dataset, end }: ListSnapshots,
): Promise<SnapshotPage> {
  const snapshots: Snapshot[] = [];
  let next: Key | undefined = end ?? all.end;
  while (next !== undefined && snapshots.length < limit) {
    const options = { reverse: true, limit: limit - snapshots.length };
    const page = await context.store.scan(tenant, { start: all.start, end: next }, options);
    for (const { key } of page.entries) {
      const shown = await shownIn(context, tenant, key.subarray(prefixBytes));
      if (shown !== undefined && (dataset === "" || shown.dataset === dataset)) snapshots.push(shown);
    }
    next = page.next;
  }
  return { snapshots, next };
}

async function shownIn(context: ExportContext, tenant: TenantId, key: Uint8Array): Promise<Snapshot | undefined> {
  const stored = await context.snapshots.get(tenant, key);
  if (stored === undefined) return undefined;
  const shown = shownSnapshot(context, tenant, { key, stored });
  return { ...shown, statistics: shown.statistics && withoutExamples(shown.statistics) };
}
