import type { SnapshotHold } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { StoredSnapshotHold } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import { prefixRange } from "../../store/range.ts";
import type { Key, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { holderPrefix, snapshotHoldKey } from "../keys.ts";
import { isOver } from "../snapshot/holds.ts";
import { hexOf } from "../snapshot/snapshot-key.ts";

export interface ListHolds {
  /** Those whose holder begins so. */
  readonly prefix: string;
  /** Those of this snapshot; of all where undefined. */
  readonly snapshot: Uint8Array | undefined;
  readonly limit: number;
  /** `next` of the page before. */
  readonly start: Key | undefined;
}

export interface HoldPage {
  /** By holder and snapshot; fewer than asked for where some have ended. */
  readonly holds: SnapshotHold[];
  readonly next: Key | undefined;
}

const keyBytes = 32;
const snapshotStart = snapshotHoldKey(new Uint8Array(), "").length;
const holderStart = holderPrefix("").length;

export async function listHolds(
  { store, clock }: ExportContext,
  tenant: TenantId,
  { prefix, snapshot, limit, start }: ListHolds,
): Promise<HoldPage> {
  const range = prefixRange(snapshot === undefined ? holderPrefix(prefix) : snapshotHoldKey(snapshot, prefix));
  const { entries, next } = await store.scan(tenant, { start: start ?? range.start, end: range.end }, { limit });
  const now = clock.now();
  const found = entries.map(({ key, value }) => ({ hold: StoredSnapshotHold.decode(value), key: Buffer.from(key) }));
  const lasting = found.filter(({ hold }) => !isOver(hold, now));
  const namesOf = snapshot === undefined ? namesByHolder : namesBySnapshot;
  return { holds: lasting.map(({ hold, key }) => ({ ...namesOf(key), ...timesOf(hold) })), next };
}

type Names = Pick<SnapshotHold, "holder" | "snapshot">;

/** Of a key that `holderKey` made. */
function namesByHolder(key: Buffer): Names {
  const holderEnd = key.length - keyBytes - 1;
  return { holder: key.toString("utf8", holderStart, holderEnd), snapshot: hexOf(key.subarray(holderEnd + 1)) };
}

/** Of a key that `snapshotHoldKey` made. */
function namesBySnapshot(key: Buffer): Names {
  const snapshotEnd = snapshotStart + keyBytes;
  return { holder: key.toString("utf8", snapshotEnd), snapshot: hexOf(key.subarray(snapshotStart, snapshotEnd)) };
}

function timesOf({ createTimeMicros, expireTimeMicros }: StoredSnapshotHold): Omit<SnapshotHold, keyof Names> {
  const expireTime = expireTimeMicros === 0n ? undefined : toTimestamp(expireTimeMicros);
  return { createTime: toTimestamp(createTimeMicros), expireTime };
}
