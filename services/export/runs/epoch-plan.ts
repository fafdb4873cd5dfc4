import type { RunEpoch } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { openEpoch } from "./epochs.ts";
import { checkRunId } from "./run-id.ts";

/** The hash of the plan that an epoch of a run has. Rejects with FIELD_INVALID, RUN_NOT_FOUND, EPOCH_NOT_OPEN. */
export async function epochPlan(
  context: ExportContext,
  tenant: TenantId,
  { run, epoch }: RunEpoch,
): Promise<{ readonly hash: Uint8Array }> {
  checkRunId(run);
  return { hash: (await openEpoch(context, tenant, run, epoch)).plan };
}
