import type { Run } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { showRun } from "../runs/shown-run.ts";

/** Rejects with RUN_NOT_FOUND. */
export function getRun(context: ExportContext, tenant: TenantId, run: string): Promise<Run> {
  return showRun(context, tenant, run);
}
