import type { Micros, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { changeRun } from "../runs/change-run.ts";
import { renewed } from "../runs/run-lease.ts";

/** The lease's new end. Rejects with RUN_NOT_FOUND, RUN_CONFLICT. */
export async function renewRun(context: ExportContext, tenant: TenantId, run: string): Promise<Micros> {
  const state = await changeRun(context, tenant, run, (found) => ({ state: renewed(run, found, context.clock.now()) }));
  return state.leaseExpireMicros;
}
