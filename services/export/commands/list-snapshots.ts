import { Snapshot } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { encoded } from "../../kit/encoded.ts";
import { MessageRoom } from "../../kit/message-room.ts";
import { afterKey, prefixRange } from "../../store/range.ts";
import type { Key, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { snapshotTimeKey } from "../keys.ts";
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
  /** Newest first; fewer than asked for where some are gone, of other datasets, or large. */
  readonly snapshots: Snapshot[];
  readonly next: Key | undefined;
}

const prefixBytes = snapshotTimeKey(0n, new Uint8Array()).length;
const all = prefixRange(snapshotTimeKey(0n, new Uint8Array()).subarray(0, prefixBytes - 8));

export async function listSnapshots(
  context: ExportContext,
  tenant: TenantId,
  { limit, dataset, end }: ListSnapshots,
): Promise<SnapshotPage> {
  const snapshots: Snapshot[] = [];
  const room = new MessageRoom();
  const range = { start: all.start, end: end ?? all.end };
  const { entries, next } = await context.store.scan(tenant, range, { reverse: true, limit });
  for (const { key } of entries) {
    const shown = await shownIn(context, tenant, key.subarray(prefixBytes));
    if (shown === undefined || (dataset !== "" && shown.dataset !== dataset)) continue;
    if (!room.take(encoded(Snapshot, shown).length)) return { snapshots, next: afterKey(key) };
    snapshots.push(shown);
  }
  return { snapshots, next };
}

async function shownIn(context: ExportContext, tenant: TenantId, key: Uint8Array): Promise<Snapshot | undefined> {
  const stored = await context.snapshots.get(tenant, key);
  if (stored === undefined) return undefined;
  const shown = shownSnapshot(context, tenant, { key, stored });
  return { ...shown, statistics: shown.statistics && withoutExamples(shown.statistics) };
}
