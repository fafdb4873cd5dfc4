import { StoredRunEpoch } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import { encoded } from "../../kit/encoded.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { runEpochKey } from "../keys.ts";
import type { OpenPlan } from "../plan/plans.ts";
import { adaptivePlan } from "../runs/adaptive-plan.ts";
import { changeRun, type RunChange } from "../runs/change-run.ts";
import { checkEpochNumber, newEpoch, openEpoch, uniformPlan } from "../runs/epochs.ts";
import { epochNotOpen } from "../runs/run-errors.ts";
import { type HeldRun, renewed } from "../runs/run-lease.ts";
import { findEpoch, getRun } from "../runs/stored-runs.ts";
import { renewRun } from "./renew-run.ts";

export interface CloseEpoch extends HeldRun {
  readonly epoch: number;
}

/** The plan of the next epoch. One that was closed before gives the same. Rejects with RUN_NOT_FOUND, RUN_CONFLICT, EPOCH_NOT_OPEN. */
export function closeEpoch(context: ExportContext, tenant: TenantId, command: CloseEpoch): Promise<OpenPlan> {
  return context.runTurns.take(tenant, command.run, "close-epoch", async () => {
    const { run, epoch } = command;
    const current = await openEpoch(context, tenant, run, epoch);
    if (!current.closed) await close(context, tenant, command, current);
    const next = await openEpoch(context, tenant, run, epoch + 1);
    return context.plans.open(tenant, next.plan);
  });
}

async function close(
  context: ExportContext,
  tenant: TenantId,
  command: CloseEpoch,
  current: StoredRunEpoch,
): Promise<void> {
  checkEpochNumber(command.epoch + 1);
  await renewRun(context, tenant, command);
  await keepClosed(context, tenant, command, await nextPlan(context, tenant, command, current));
}

async function nextPlan(
  context: ExportContext,
  tenant: TenantId,
  { run, epoch }: CloseEpoch,
  current: StoredRunEpoch,
): Promise<OpenPlan> {
  const { adaptiveSampling } = (await getRun(context.store, tenant, run)).value;
  if (adaptiveSampling === undefined) return uniformPlan(context, tenant, run, epoch + 1);
  const plan = await context.plans.open(tenant, current.plan);
  return adaptivePlan(context, tenant, { run, epoch }, plan, adaptiveSampling);
}

/** Closes the epoch and opens the next one in one commit. What another process closed meanwhile stays. */
async function keepClosed(
  context: ExportContext,
  tenant: TenantId,
  { run, epoch, lease }: CloseEpoch,
  plan: OpenPlan,
): Promise<void> {
  const { store, clock } = context;
  const [key, nextKey] = [runEpochKey(run, epoch), runEpochKey(run, epoch + 1)];
  await changeRun(context, tenant, run, async (found): Promise<RunChange | undefined> => {
    const state = renewed({ run, lease }, found, clock.now());
    const current = await findEpoch(store, tenant, run, epoch);
    const next = await findEpoch(store, tenant, run, epoch + 1);
    if (current === undefined) throw epochNotOpen(run, epoch);
    if (current.value.closed) return undefined;
    const closed = { put: key, value: encoded(StoredRunEpoch, { ...current.value, closed: true }) };
    const opened = { put: nextKey, value: encoded(StoredRunEpoch, newEpoch(plan)) };
    return {
      state,
      mutations: next === undefined ? [closed, opened] : [closed],
      expectations: [
        { key, revision: current.revision },
        { key: nextKey, revision: next?.revision ?? 0n },
      ],
    };
  });
}
