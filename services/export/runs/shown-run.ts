import type { Run, RunEpochState } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { StoredRun, StoredRunEpoch, StoredRunState } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import type { Micros, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { hexOf } from "../snapshot/snapshot-key.ts";
import { stateOf } from "./run-lease.ts";
import { epochsOf, findEpoch, getRun, getRunState } from "./stored-runs.ts";

/** A run as clients see it now. Rejects with RUN_NOT_FOUND. */
export async function showRun({ store, clock }: ExportContext, tenant: TenantId, run: string): Promise<Run> {
  const { value: stored } = await getRun(store, tenant, run);
  const { value: state } = await getRunState(store, tenant, run);
  const epochs: RunEpochState[] = [];
  for await (const { epoch, stored: found } of epochsOf(store, tenant, run)) epochs.push(shownEpoch(epoch, found));
  return shownRun(run, stored, state, epochs, clock.now());
}

/** A run as a list shows it: three reads, however long it goes on. Rejects with RUN_NOT_FOUND. */
export async function showListedRun({ store, clock }: ExportContext, tenant: TenantId, run: string): Promise<Run> {
  const [{ value: stored }, { value: state }] = await Promise.all([
    getRun(store, tenant, run),
    getRunState(store, tenant, run),
  ]);
  const { consumed } = state;
  const found = consumed && (await findEpoch(store, tenant, run, consumed.epoch));
  const epochs = found === undefined ? [] : [shownEpoch(consumed?.epoch ?? 0, found.value)];
  return { ...shownRun(run, stored, state, epochs, clock.now()), lossPoints: [] };
}

function shownRun(id: string, stored: StoredRun, state: StoredRunState, epochs: RunEpochState[], now: Micros): Run {
  return {
    id,
    state: stateOf(state, now),
    source: stored.source,
    plan: stored.plan,
    adaptiveSampling: stored.adaptiveSampling,
    environment: stored.environment,
    epochs,
    consumed: state.consumed,
    metrics: state.metrics,
    lossPoints: state.lossPoints,
    sources: stored.sources,
    result: state.result,
    createTime: toTimestamp(stored.createTimeMicros),
    updateTime: toTimestamp(state.updateTimeMicros),
    leaseExpireTime: toTimestamp(state.leaseExpireMicros),
    endTime: state.result && toTimestamp(state.endTimeMicros),
    lease: state.lease,
  };
}

function shownEpoch(epoch: number, { plan, sampleCount, closed, lossCount, lossSum }: StoredRunEpoch): RunEpochState {
  const meanLoss = lossCount === 0n ? undefined : lossSum / Number(lossCount);
  return { epoch, plan: hexOf(plan), sampleCount, closed, lossCount, meanLoss };
}
