import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";

/** Ends a build that runs; refused while streams read it. */
export async function deleteSnapshot(context: ExportContext, tenant: TenantId, snapshot: string): Promise<void> {
  const { key } = await context.snapshots.find(tenant, snapshot);
  await context.snapshots.delete(tenant, key);
}
