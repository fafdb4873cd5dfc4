import type { Run } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { createRun, type OpenRun } from "../runs/create-run.ts";
import { showRun } from "../runs/shown-run.ts";
import { findRun } from "../runs/stored-runs.ts";
import { takeLease } from "../runs/take-lease.ts";

/** Makes a run, or takes over the lease of one that is there. Rejects with RUN_CONFLICT, and with what its plan is refused for. */
export async function openRun(
  context: ExportContext,
  tenant: TenantId,
  command: OpenRun,
  signal: AbortSignal,
): Promise<Run> {
  const isThere = (await findRun(context.store, tenant, command.run)) !== undefined;
  if (isThere || !(await make(context, tenant, command, signal))) await takeLease(context, tenant, command);
  return showRun(context, tenant, command.run);
}

/** False where another call made it meanwhile. */
async function make(context: ExportContext, tenant: TenantId, command: OpenRun, signal: AbortSignal): Promise<boolean> {
  const { source, plan } = command;
  const opened = await context.plans.resolve(tenant, { source, plan, runEpoch: undefined }, signal);
  return createRun(context, tenant, command, opened);
}
