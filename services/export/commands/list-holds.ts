import type { SnapshotHold } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { StoredSnapshotHold } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import { prefixRange } from "../../store/range.ts";
import type { Key, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { DeletionRevisions } from "../corpus/deletion-revisions.ts";
import { holderPrefix, snapshotHoldKey } from "../keys.ts";
import { isOver } from "../snapshot/holds.ts";
import { hexOf } from "../snapshot/snapshot-key.ts";

export interface ListHolds {
  /** Those whose holder begins so. */
  readonly prefix: string;
  /** By snapshot and holder instead of holder and snapshot. */
  readonly bySnapshot: boolean;
  readonly limit: number;
  /** `next` of the page before. */
  readonly start: Key | undefined;
}

export interface HoldPage {
  /** Fewer than asked for where some have ended or, by snapshot, are of other holders. */
  readonly holds: SnapshotHold[];
  readonly next: Key | undefined;
}

const keyBytes = 32;
const allBySnapshot = snapshotHoldKey(new Uint8Array(), "");
const holderStart = holderPrefix("").length;

export async function listHolds(
  { store, clock }: ExportContext,
  tenant: TenantId,
  { prefix, bySnapshot, limit, start }: ListHolds,
): Promise<HoldPage> {
  const range = prefixRange(bySnapshot ? allBySnapshot : holderPrefix(prefix));
  const { entries, next } = await store.scan(tenant, { start: start ?? range.start, end: range.end }, { limit });
  const now = clock.now();
  const deletions = new DeletionRevisions(store, tenant);
  const holds: SnapshotHold[] = [];
  for (const { key, value } of entries) {
    const hold = StoredSnapshotHold.decode(value);
    const names = (bySnapshot ? namesBySnapshot : namesByHolder)(Buffer.from(key));
    if (isOver(hold, now) || !names.holder.startsWith(prefix)) continue;
    const deletionRevision = await deletions.of(hold.collectionNumber);
    holds.push({ ...names, ...timesOf(hold), deletionRevision });
  }
  return { holds, next };
}

type Names = Pick<SnapshotHold, "holder" | "snapshot">;

/** Of a key that `holderKey` made. */
function namesByHolder(key: Buffer): Names {
  const holderEnd = key.length - keyBytes - 1;
  return { holder: key.toString("utf8", holderStart, holderEnd), snapshot: hexOf(key.subarray(holderEnd + 1)) };
}

/** Of a key that `snapshotHoldKey` made. */
function namesBySnapshot(key: Buffer): Names {
  const snapshotEnd = allBySnapshot.length + keyBytes;
  return {
    holder: key.toString("utf8", snapshotEnd),
    snapshot: hexOf(key.subarray(allBySnapshot.length, snapshotEnd)),
  };
}

function timesOf({
  createTimeMicros,
  expireTimeMicros,
}: StoredSnapshotHold): Pick<SnapshotHold, "createTime" | "expireTime"> {
  const expireTime = expireTimeMicros === 0n ? undefined : toTimestamp(expireTimeMicros);
  return { createTime: toTimestamp(createTimeMicros), expireTime };
}
