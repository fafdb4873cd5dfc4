import type { Micros, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { changeRun } from "../runs/change-run.ts";
import { type HeldRun, renewed } from "../runs/run-lease.ts";

/** The lease's new end. Rejects with RUN_NOT_FOUND, RUN_CONFLICT. */
export async function renewRun(context: ExportContext, tenant: TenantId, held: HeldRun): Promise<Micros> {
  const state = await changeRun(context, tenant, held.run, (found) => ({
    state: renewed(held, found, context.clock.now()),
  }));
  return state.leaseExpireMicros;
}
