import { StoredRunEpoch } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import { encoded } from "../../kit/encoded.ts";
import { fieldInvalid } from "../../kit/field.ts";
import type { Micros, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { runEpochKey } from "../keys.ts";
import { changeRun, type RunChange } from "../runs/change-run.ts";
import { openEpoch } from "../runs/epochs.ts";
import { byPart, type IndexLoss, type LossesOf, lossChanges } from "../runs/reported-losses.ts";
import { type HeldRun, renewed } from "../runs/run-lease.ts";
import { findEpoch } from "../runs/stored-runs.ts";
import { renewRun } from "./renew-run.ts";

export interface ReportLosses extends HeldRun {
  readonly epoch: number;
  readonly indices: readonly bigint[];
  readonly losses: readonly number[];
}

type Parts = readonly (readonly [number, readonly IndexLoss[]])[];

/** Parts of one commit: 4 MB. Only losses whose indices are strewn over a million or more take several. */
const COMMIT_PARTS = 1024;

/** The lease's new end. Rejects with RUN_NOT_FOUND, RUN_CONFLICT, EPOCH_NOT_OPEN, FIELD_INVALID. */
export async function reportLosses(context: ExportContext, tenant: TenantId, report: ReportLosses): Promise<Micros> {
  const { run, epoch, lease } = report;
  const { sampleCount } = await openEpoch(context, tenant, run, epoch);
  const losses = pairs(report, sampleCount);
  if (losses.length === 0) return renewRun(context, tenant, { run, lease });
  return context.lossBatches.add(tenant, { run, epoch, lease }, losses, async (all) => {
    const parts = [...byPart(all)];
    let leaseExpireMicros = 0n;
    for (let first = 0; first < parts.length; first += COMMIT_PARTS) {
      leaseExpireMicros = await keepParts(context, tenant, report, parts.slice(first, first + COMMIT_PARTS));
    }
    return leaseExpireMicros;
  });
}

function pairs({ epoch, indices, losses }: ReportLosses, sampleCount: bigint): IndexLoss[] {
  return indices.map((index, place) => {
    if (index >= sampleCount) {
      const expected = `0 to ${sampleCount - 1n}, the samples of epoch ${epoch}`;
      throw fieldInvalid(`indices[${place}]`, String(index), expected);
    }
    return [Number(index), losses[place] as number];
  });
}

async function keepParts(
  context: ExportContext,
  tenant: TenantId,
  { run, epoch, lease }: LossesOf & HeldRun,
  parts: Parts,
): Promise<Micros> {
  const { store, clock } = context;
  const state = await changeRun(context, tenant, run, async (found): Promise<RunChange> => {
    const leased = renewed({ run, lease }, found, clock.now());
    const key = runEpochKey(run, epoch);
    const stored = await findEpoch(store, tenant, run, epoch);
    if (stored === undefined) throw new Error(`Epoch ${epoch} of run ${run} was open and is gone.`);
    const { mutations, expectations, ...change } = await lossChanges(store, tenant, { run, epoch }, parts);
    const value = encoded(StoredRunEpoch, withLosses(stored.value, change));
    return {
      state: leased,
      mutations: [...mutations, { put: key, value }],
      expectations: [...expectations, { key, revision: stored.revision }],
    };
  });
  return state.leaseExpireMicros;
}

function withLosses(stored: StoredRunEpoch, { count, sum }: { count: number; sum: number }): StoredRunEpoch {
  return { ...stored, lossCount: stored.lossCount + BigInt(count), lossSum: stored.lossSum + sum };
}
