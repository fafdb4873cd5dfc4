import { type Run, RunResult } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { StoredRunState } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import type { Micros, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { changeRun, type RunChange } from "../runs/change-run.ts";
import { runConflict } from "../runs/run-errors.ts";
import { showRun } from "../runs/shown-run.ts";
import { getRun } from "../runs/stored-runs.ts";
import { type Changes, releaseSnapshot, runHolder } from "../snapshot/holds.ts";

/** Ends a run, lost or not, and no longer holds its snapshots. Rejects with RUN_NOT_FOUND, and RUN_CONFLICT where it ended otherwise. */
export async function closeRun(context: ExportContext, tenant: TenantId, run: string, result: RunResult): Promise<Run> {
  await context.runTurns.hold(tenant, () =>
    changeRun(context, tenant, run, (state) => close(context, tenant, run, state, result)),
  );
  return showRun(context, tenant, run);
}

async function close(
  context: ExportContext,
  tenant: TenantId,
  run: string,
  state: StoredRunState,
  result: RunResult,
): Promise<RunChange | undefined> {
  if (state.result !== undefined) {
    if (isSameResult(state.result, result)) return undefined;
    throw runConflict(run, "is closed with another result");
  }
  const now = context.clock.now();
  const released = await releaseAll(context, tenant, run, now);
  return { state: { ...state, result, updateTimeMicros: now, endTimeMicros: now }, ...released };
}

async function releaseAll({ store }: ExportContext, tenant: TenantId, run: string, now: Micros): Promise<Changes> {
  const { sources } = (await getRun(store, tenant, run)).value;
  const changes: Changes[] = [];
  for (const snapshot of new Set(sources.map((source) => source.snapshot))) {
    changes.push(await releaseSnapshot(store, tenant, Buffer.from(snapshot, "hex"), runHolder(run), now));
  }
  return {
    mutations: changes.flatMap(({ mutations }) => mutations),
    expectations: changes.flatMap(({ expectations }) => expectations),
  };
}

function isSameResult(one: RunResult, other: RunResult): boolean {
  return Buffer.compare(RunResult.encode(one).finish(), RunResult.encode(other).finish()) === 0;
}
