import { Snapshot_State } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { snapshotBuilding, snapshotFailed } from "./snapshot-errors.ts";
import type { SnapshotEntry } from "./stored-snapshots.ts";

/** A snapshot by its key or the first digits of one. Rejects with SNAPSHOT_NOT_FOUND, SNAPSHOT_BUILDING, SNAPSHOT_FAILED. */
export async function findSealed(context: ExportContext, tenant: TenantId, snapshot: string): Promise<SnapshotEntry> {
  const entry = await context.snapshots.find(tenant, snapshot);
  const state = entry.stored.snapshot?.state;
  if (state === Snapshot_State.STATE_BUILDING) throw snapshotBuilding(entry.key);
  if (state === Snapshot_State.STATE_FAILED) throw snapshotFailed(entry.key, entry.stored);
  return entry;
}
