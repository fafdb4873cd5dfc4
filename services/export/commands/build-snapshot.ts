import type { SampleSource } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Snapshot } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { requestSnapshot } from "../snapshot/request-snapshot.ts";
import { shownSnapshot } from "../snapshot/shown-snapshot.ts";

/** Starts a build, or finds what was built before. Kept until deleted where it has no time to live. */
export async function buildSnapshot(
  context: ExportContext,
  tenant: TenantId,
  source: SampleSource,
  ttlSeconds: number | undefined,
): Promise<Snapshot> {
  return shownSnapshot(context, tenant, await requestSnapshot(context, tenant, source, ttlSeconds ?? 0));
}
