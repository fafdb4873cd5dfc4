import type { RunEpoch } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { epochNotOpen } from "./run-errors.ts";
import { checkRunId } from "./run-id.ts";
import { findEpoch, getRun } from "./stored-runs.ts";

/** The hash of the plan that an epoch of a run has. Rejects with FIELD_INVALID, RUN_NOT_FOUND, EPOCH_NOT_OPEN. */
export async function epochPlan(
  context: ExportContext,
  tenant: TenantId,
  { run, epoch }: RunEpoch,
): Promise<{ readonly hash: Uint8Array }> {
  checkRunId(run);
  await getRun(context.store, tenant, run);
  const found = await findEpoch(context.store, tenant, run, epoch);
  if (found === undefined) throw epochNotOpen(run, epoch);
  return { hash: found.value.plan };
}
