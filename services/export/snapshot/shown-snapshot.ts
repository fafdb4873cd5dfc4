import type { Snapshot } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import type { SnapshotEntry } from "./stored-snapshots.ts";

/** A snapshot as clients see it: with the live statistics of a build of this process. */
export function shownSnapshot(
  { snapshots }: Pick<ExportContext, "snapshots">,
  tenant: TenantId,
  { key, stored }: SnapshotEntry,
): Snapshot {
  const snapshot = stored.snapshot as Snapshot;
  const live = snapshot.digest.length === 0 ? snapshots.builds.running(tenant, key)?.statistics : undefined;
  const expires = stored.expireTimeMicros;
  return {
    ...snapshot,
    statistics: live ?? snapshot.statistics,
    expireTime: expires === 0n || stored.held ? undefined : toTimestamp(expires),
  };
}
