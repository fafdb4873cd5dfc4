import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { snapshotExpired } from "../snapshot/snapshot-errors.ts";
import { SnapshotUse } from "../snapshot/snapshot-use.ts";
import type { OpenPlan } from "./plans.ts";

/** Keeps the snapshots of a plan while it is read. Rejects with SNAPSHOT_EXPIRED where one is gone. */
export async function openPlanUse(
  context: ExportContext,
  tenant: TenantId,
  { sources }: OpenPlan,
): Promise<SnapshotUse> {
  const use = new SnapshotUse(context, tenant, sources);
  try {
    for (const { key } of sources) {
      if ((await context.snapshots.get(tenant, key)) === undefined) throw snapshotExpired(key);
    }
    return use;
  } catch (error) {
    use[Symbol.dispose]();
    throw error;
  }
}
