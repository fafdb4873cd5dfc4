import type { RunPosition } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { fieldInvalid } from "../../kit/field.ts";
import type { Micros, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { changeRun } from "../runs/change-run.ts";
import { openEpoch } from "../runs/epochs.ts";
import { type Metrics, withMetrics } from "../runs/metrics.ts";
import { type HeldRun, renewed } from "../runs/run-lease.ts";

export interface ReportProgress extends Metrics, HeldRun {
  /** What a checkpoint consumed; what was said before holds where absent. */
  readonly consumed: RunPosition | undefined;
}

/** The lease's new end. Rejects with RUN_NOT_FOUND, RUN_CONFLICT, EPOCH_NOT_OPEN, FIELD_INVALID, LIMIT_EXCEEDED. */
export async function reportProgress(
  context: ExportContext,
  tenant: TenantId,
  progress: ReportProgress,
): Promise<Micros> {
  const { run, consumed } = progress;
  if (consumed !== undefined) await checkPosition(context, tenant, run, consumed);
  const { leaseExpireMicros } = await changeRun(context, tenant, run, (found) => {
    const state = withMetrics(renewed(progress, found, context.clock.now()), progress);
    return { state: { ...state, consumed: consumed ?? state.consumed } };
  });
  return leaseExpireMicros;
}

async function checkPosition(
  context: ExportContext,
  tenant: TenantId,
  run: string,
  { epoch, nextIndex }: RunPosition,
): Promise<void> {
  const { sampleCount } = await openEpoch(context, tenant, run, epoch);
  if (nextIndex > sampleCount) {
    throw fieldInvalid("consumed.next_index", String(nextIndex), `0 to ${sampleCount}, the samples of epoch ${epoch}`);
  }
}
