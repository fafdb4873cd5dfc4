import { type Run, RunResult } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { StoredRunState } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import { encoded } from "../../kit/encoded.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { changeRun, type RunChange } from "../runs/change-run.ts";
import { runConflict } from "../runs/run-errors.ts";
import { releaseSnapshots } from "../runs/run-holds.ts";
import { checkHolder, type HeldRun } from "../runs/run-lease.ts";
import { showRun } from "../runs/shown-run.ts";
import { getRun } from "../runs/stored-runs.ts";

export interface CloseRun extends HeldRun {
  readonly result: RunResult;
}

/**
 * Ends a run, lost or not, and no longer holds its snapshots; without a lease whoever holds it. Rejects with RUN_NOT_FOUND, and
 * RUN_CONFLICT where it ended otherwise or another holds it.
 */
export async function closeRun(context: ExportContext, tenant: TenantId, command: CloseRun): Promise<Run> {
  await context.runTurns.hold(tenant, () =>
    changeRun(context, tenant, command.run, (state) => close(context, tenant, command, state)),
  );
  return showRun(context, tenant, command.run);
}

async function close(
  { store, clock }: ExportContext,
  tenant: TenantId,
  { run, lease, result }: CloseRun,
  state: StoredRunState,
): Promise<RunChange | undefined> {
  if (state.result !== undefined) {
    if (isSameResult(state.result, result)) return undefined;
    throw runConflict(run, "is closed with another result");
  }
  if (lease !== "" && state.lease !== "") checkHolder(run, state, lease);
  const now = clock.now();
  const { sources } = (await getRun(store, tenant, run)).value;
  const snapshots = sources.map(({ snapshot }) => snapshot);
  const released = await releaseSnapshots(store, tenant, run, snapshots, now);
  return { state: { ...state, result, updateTimeMicros: now, endTimeMicros: now }, ...released };
}

function isSameResult(one: RunResult, other: RunResult): boolean {
  return Buffer.compare(encoded(RunResult, one), encoded(RunResult, other)) === 0;
}
