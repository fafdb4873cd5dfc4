import type { Plan, PlanSource } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { hexOf } from "../snapshot/snapshot-key.ts";
import { ORDER_VERSION } from "./plan-order.ts";
import type { OpenPlan, OpenSource } from "./plans.ts";

/** A plan as callers see it. */
export function planMessage({ hash, spec, order, sources }: OpenPlan): Plan {
  return {
    hash: hexOf(hash),
    spec,
    sources: sources.map((source, place) => sourceMessage(source, order.epochCounts[place] ?? 0, order.countOf(place))),
    sampleCount: BigInt(order.sampleCount),
    globalBatchCount: BigInt(order.batchCount),
    orderVersion: ORDER_VERSION,
  };
}

function sourceMessage({ key, table, weightTable, slots }: OpenSource, epochCount: number, count: number): PlanSource {
  return {
    snapshot: hexOf(key),
    snapshotSampleCount: BigInt(table.sampleCount),
    epochSampleCount: BigInt(epochCount),
    sampleCount: BigInt(count),
    weightTable: weightTable === undefined ? "" : hexOf(weightTable.digest),
    slots,
  };
}
