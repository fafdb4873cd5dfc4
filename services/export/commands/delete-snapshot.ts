import { ServiceError } from "../../kit/errors.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { planKey } from "../keys.ts";
import { planOf } from "../snapshot/snapshot-key.ts";

/** Ends a build that runs; refused while streams read it. One that was deleted before stays so; SNAPSHOT_NOT_FOUND where there never was one. */
export async function deleteSnapshot(context: ExportContext, tenant: TenantId, snapshot: string): Promise<void> {
  try {
    const { key } = await context.snapshots.find(tenant, snapshot);
    await context.snapshots.delete(tenant, key);
  } catch (error) {
    if (!(isNotFound(error) && (await wasThere(context, tenant, snapshot)))) throw error;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof ServiceError && error.reason === "SNAPSHOT_NOT_FOUND";
}

/** The plan of a snapshot outlives it. Only a whole key says which it was. */
async function wasThere({ store }: ExportContext, tenant: TenantId, snapshot: string): Promise<boolean> {
  const { hash } = planOf(Buffer.from(snapshot, "hex"));
  return (await store.get(tenant, planKey(hash))) !== undefined;
}
