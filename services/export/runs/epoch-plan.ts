import type { RunEpoch } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { checkRunId } from "../../kit/run-id.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { uniformPlan } from "./epochs.ts";
import { epochNotOpen } from "./run-errors.ts";
import { findEpoch, getRun } from "./stored-runs.ts";

/** The hash of the plan that an epoch of a run has: to read one fixes nothing in the run. Rejects with FIELD_INVALID, RUN_NOT_FOUND, EPOCH_NOT_OPEN, LIMIT_EXCEEDED (run_epochs). */
export async function epochPlan(
  context: ExportContext,
  tenant: TenantId,
  { run, epoch }: RunEpoch,
): Promise<{ readonly hash: Uint8Array }> {
  checkRunId(run);
  const { value: stored } = await getRun(context.store, tenant, run);
  const found = await findEpoch(context.store, tenant, run, epoch);
  if (found !== undefined) return { hash: found.value.plan };
  if (stored.adaptiveSampling !== undefined) throw epochNotOpen(run, epoch);
  return uniformPlan(context, tenant, run, epoch);
}
