import type { ExplainPlanResponse, PlanEntry } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { ExportContext } from "../context.ts";
import { planMessage } from "../plan/plan-message.ts";
import { checkWorldSize } from "../plan/plan-spec.ts";
import { openPlanUse } from "../plan/plan-use.ts";
import type { OpenPlan } from "../plan/plans.ts";
import { rankOf } from "../plan/share.ts";
import { SampleCursor } from "../snapshot/table/sample-cursor.ts";
import { findPlan, type GetPlan } from "./get-plan.ts";

export interface ExplainPlan extends Pick<GetPlan, "tenant" | "request" | "hash" | "signal"> {
  readonly firstIndex: number;
  readonly count: number;
  readonly worldSize: number;
}

/** Which samples are at these indices, as far as the plan goes. */
export async function explainPlan(context: ExportContext, command: ExplainPlan): Promise<ExplainPlanResponse> {
  const plan = await findPlan(context, command);
  checkWorldSize(command.worldSize, plan.order.batchSize);
  using _use = await openPlanUse(context, command.tenant, plan);
  const cursors = plan.sources.map(({ table }, source) => new SampleCursor(table, source, false));
  const end = Math.min(command.firstIndex + command.count, plan.order.sampleCount);
  const entries: PlanEntry[] = [];
  for (let index = command.firstIndex; index < end; index += 1) {
    entries.push(entryOf(plan, cursors, index, command.worldSize));
  }
  return { plan: planMessage(plan), entries };
}

function entryOf({ order }: OpenPlan, cursors: readonly SampleCursor[], index: number, worldSize: number): PlanEntry {
  const { source, sourceEpoch, sourceIndex, window, page, sample, copy } = order.at(index);
  const place = (cursors[source] as SampleCursor).at(sample, page);
  const globalBatch = Math.floor(index / order.batchSize);
  const start = globalBatch * order.batchSize;
  const samples = Math.min(order.batchSize, order.sampleCount - start);
  return {
    index: BigInt(index),
    globalBatch: BigInt(globalBatch),
    rank: rankOf(index - start, worldSize, samples),
    source,
    sourceEpoch: BigInt(sourceEpoch),
    sourceIndex: BigInt(sourceIndex),
    window: BigInt(window),
    page: BigInt(page),
    sample: BigInt(sample),
    copy,
    copies: order.copiesOf(source, sample),
    recordId: place.id,
    weightMicros: place.weightMicros,
  };
}
