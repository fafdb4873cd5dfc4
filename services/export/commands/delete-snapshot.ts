import { ServiceError } from "../../kit/errors.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { wasThere } from "../snapshot/missing-snapshot.ts";

/** Ends a build that runs; refused while streams read it or somebody holds it. One that was deleted before stays so; SNAPSHOT_NOT_FOUND where there never was one. */
export async function deleteSnapshot(context: ExportContext, tenant: TenantId, snapshot: string): Promise<void> {
  try {
    const { key } = await context.snapshots.find(tenant, snapshot);
    await context.snapshots.delete(tenant, key);
  } catch (error) {
    // Only a whole key says which it was.
    if (!(isNotFound(error) && (await wasThere(context.store, tenant, Buffer.from(snapshot, "hex"))))) throw error;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof ServiceError && error.reason === "SNAPSHOT_NOT_FOUND";
}
