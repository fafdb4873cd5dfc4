import type { Environment, RunSource } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { StoredRun, StoredRunEpoch, StoredRunState } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import { encoded } from "../../kit/encoded.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { Micros, Mutation, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { runEpochKey, runKey, runStateKey, runTimeKey } from "../keys.ts";
import type { OpenPlan } from "../plan/plans.ts";
import { hexOf } from "../snapshot/snapshot-key.ts";
import { newEpoch } from "./epochs.ts";
import { holdSnapshots } from "./run-holds.ts";
import { withLease } from "./run-lease.ts";
import { type RunRequest, requestDigest } from "./run-request.ts";
import { findRun } from "./stored-runs.ts";

export interface OpenRun extends RunRequest {
  readonly run: string;
  readonly environment: Environment | undefined;
  /** Names this opening. */
  readonly lease: string;
  readonly leaseSeconds: number;
}

/** Keeps a new run and holds its snapshots, in one commit. False where another call opened it meanwhile. Rejects with SNAPSHOT_EXPIRED. */
export function createRun(
  context: ExportContext,
  tenant: TenantId,
  command: OpenRun,
  plan: OpenPlan,
): Promise<boolean> {
  const { store, clock, runTurns } = context;
  const attempt = async (): Promise<boolean> => {
    if ((await findRun(store, tenant, command.run)) !== undefined) return false;
    const now = clock.now();
    const snapshots = plan.sources.map(({ key }) => hexOf(key));
    const holds = await holdSnapshots(store, tenant, command.run, snapshots, now);
    await store.commit(
      tenant,
      [...newRun(command, plan, now), ...holds.mutations],
      [{ key: runKey(command.run), revision: 0n }, ...holds.expectations],
    );
    return true;
  };
  return runTurns.hold(tenant, () => runTurns.take(tenant, command.run, "change", () => retryAborted(attempt)));
}

function newRun(
  { run, environment, lease, leaseSeconds, ...request }: OpenRun,
  plan: OpenPlan,
  now: Micros,
): Mutation[] {
  const stored: StoredRun = {
    ...request,
    environment,
    sources: plan.sources.map(runSource),
    requestDigest: requestDigest(request),
    createTimeMicros: now,
  };
  const state = withLease(StoredRunState.fromPartial({ lossPointSteps: 1n, lease }), now, leaseSeconds);
  return [
    { put: runKey(run), value: encoded(StoredRun, stored) },
    { put: runStateKey(run), value: encoded(StoredRunState, state) },
    { put: runTimeKey(now, run), value: new Uint8Array() },
    { put: runEpochKey(run, 0), value: encoded(StoredRunEpoch, newEpoch(plan)) },
  ];
}

function runSource({ stored: { snapshot }, key, table }: OpenPlan["sources"][number]): RunSource {
  return {
    snapshot: hexOf(key),
    dataset: snapshot?.dataset ?? "",
    datasetVersion: snapshot?.datasetVersion ?? 0,
    revision: snapshot?.revision ?? 0n,
    digest: snapshot?.digest ?? new Uint8Array(),
    sampleCount: BigInt(table.sampleCount),
  };
}
