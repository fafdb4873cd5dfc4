import type { Snapshot } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { shownSnapshot } from "../snapshot/shown-snapshot.ts";

export async function getSnapshot(context: ExportContext, tenant: TenantId, snapshot: string): Promise<Snapshot> {
  return shownSnapshot(context, tenant, await context.snapshots.find(tenant, snapshot));
}
