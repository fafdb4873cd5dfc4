import { StoredRunEpoch } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import { encoded } from "../../kit/encoded.ts";
import { limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { runEpochKey } from "../keys.ts";
import type { OpenPlan } from "../plan/plans.ts";
import { changeRun } from "./change-run.ts";
import { epochNotOpen } from "./run-errors.ts";
import { epochRequest } from "./run-request.ts";
import { findEpoch, getRun } from "./stored-runs.ts";

export function newEpoch({ hash, order }: OpenPlan): StoredRunEpoch {
  return { plan: hash, sampleCount: BigInt(order.sampleCount), closed: false, lossCount: 0n, lossSum: 0 };
}

/**
 * An epoch of a run; one that needs no losses is fixed when its training first names it. Rejects with RUN_NOT_FOUND, EPOCH_NOT_OPEN, and
 * LIMIT_EXCEEDED (run_epochs).
 */
export async function openEpoch(
  context: ExportContext,
  tenant: TenantId,
  run: string,
  epoch: number,
): Promise<StoredRunEpoch> {
  const { value: stored } = await getRun(context.store, tenant, run);
  const found = await findEpoch(context.store, tenant, run, epoch);
  if (found !== undefined) return found.value;
  if (stored.adaptiveSampling !== undefined) throw epochNotOpen(run, epoch);
  return keepEpoch(context, tenant, run, epoch, newEpoch(await uniformPlan(context, tenant, run, epoch)));
}

/** The plan of an epoch that depends on nothing but its number. Rejects with LIMIT_EXCEEDED, SNAPSHOT_NOT_FOUND. */
export async function uniformPlan(
  context: ExportContext,
  tenant: TenantId,
  run: string,
  epoch: number,
): Promise<OpenPlan> {
  checkEpochNumber(epoch);
  const { value: stored } = await getRun(context.store, tenant, run);
  if (stored.plan === undefined) throw new Error(`Run ${run} has no plan.`);
  const request = epochRequest(stored.plan, stored.sources, epoch);
  return context.plans.resolve(tenant, { ...request, runEpoch: undefined }, new AbortController().signal);
}

export function checkEpochNumber(epoch: number): void {
  if (epoch >= limits.run_epochs) throw limitExceeded("run_epochs", epoch + 1, "The number of epochs");
}

/** Writes a fixed epoch down, unless another call did or the run is closed. */
async function keepEpoch(
  context: ExportContext,
  tenant: TenantId,
  run: string,
  epoch: number,
  made: StoredRunEpoch,
): Promise<StoredRunEpoch> {
  let kept = made;
  await changeRun(context, tenant, run, async (state) => {
    const found = await findEpoch(context.store, tenant, run, epoch);
    kept = found?.value ?? made;
    if (found !== undefined || state.result !== undefined) return undefined;
    const key = runEpochKey(run, epoch);
    return {
      state,
      mutations: [{ put: key, value: encoded(StoredRunEpoch, made) }],
      expectations: [{ key, revision: 0n }],
    };
  });
  return kept;
}
