import { setImmediate as nextTurn } from "node:timers/promises";
import { WeightUse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { AdaptiveSampling } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import type { OpenPlan, OpenSource } from "../plan/plans.ts";
import { weightParts } from "../plan/sampled-table.ts";
import { copiesOf, weightTableOf } from "../plan/weight-table.ts";
import { SampleCursor } from "../snapshot/table/sample-cursor.ts";
import { adaptiveWeights, productMicros, SampleLosses } from "./adaptive-weights.ts";
import { type LossesOf, lossesFrom } from "./reported-losses.ts";

/** Losses that are looked up before other calls get their turn: a few milliseconds. */
const SLICE_LOSSES = 4096;

/** The plan of the epoch after one, from the losses that were reported for it. Pure in plan, losses and sampling. */
export async function adaptivePlan(
  context: ExportContext,
  tenant: TenantId,
  losses: LossesOf,
  plan: OpenPlan,
  sampling: AdaptiveSampling,
): Promise<OpenPlan> {
  const [source] = plan.sources as readonly [OpenSource];
  const spec = { ...plan.spec, epoch: losses.epoch + 1 };
  const { sampleCount } = source.table;
  const weights = await adaptiveWeights(await sampleLosses(context, tenant, losses, plan), sampling);
  if (spec.weightUse === WeightUse.WEIGHT_USE_SAMPLING) await multiplyWeights(weights, source);
  const copies = await copiesOf(() => slices(weights), sampleCount, spec.seed, spec.epoch);
  const entry = { key: source.key, stored: source.stored };
  return context.plans.keep(tenant, spec, [{ entry, table: source.table, weightTable: weightTableOf(copies) }]);
}

async function sampleLosses(
  { store }: ExportContext,
  tenant: TenantId,
  which: LossesOf,
  { order, sources }: OpenPlan,
): Promise<SampleLosses> {
  const losses = new SampleLosses(sources[0]?.table.sampleCount ?? 0);
  let looked = 0;
  for await (const [index, loss] of lossesFrom(store, tenant, which, 0)) {
    losses.add(order.at(index).sample, loss);
    looked += 1;
    if (looked % SLICE_LOSSES === 0) await nextTurn();
  }
  return losses;
}

/** The weights that the samples have anyway. */
async function multiplyWeights(weights: Uint32Array, { table }: OpenSource): Promise<void> {
  const cursor = new SampleCursor(table, 0, false);
  let sample = 0;
  for (const part of weightParts(cursor, table.sampleCount)) {
    for (const weight of part) {
      weights[sample] = productMicros(weights[sample] as number, weight);
      sample += 1;
    }
    await nextTurn();
  }
}

function* slices(weights: Uint32Array): Generator<Uint32Array> {
  for (let first = 0; first < weights.length; first += SLICE_LOSSES) {
    yield weights.subarray(first, first + SLICE_LOSSES);
  }
}
