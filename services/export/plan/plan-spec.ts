import {
  Mixture_Exhaustion,
  PlanSpec,
  type SampleSource,
  type Share,
  WeightUse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { limits } from "../../kit/limits.ts";
import { planInvalid } from "./plan-errors.ts";

const DEFAULT_WINDOW_PAGES = 1024;

/** With its defaults written out, so that equal plans have equal bytes. Throws PLAN_INVALID. */
export function normalisePlan(spec: PlanSpec | undefined): PlanSpec {
  const plan = spec ?? PlanSpec.fromPartial({});
  const { shuffle, mixture } = plan;
  const normal: PlanSpec = {
    ...plan,
    globalBatchSize: plan.globalBatchSize || 1,
    weightUse: plan.weightUse || WeightUse.WEIGHT_USE_LOSS,
    shuffle: shuffle && { windowPages: shuffle.windowPages || DEFAULT_WINDOW_PAGES },
    mixture: mixture && {
      ...mixture,
      exhaustion: mixture.exhaustion || Mixture_Exhaustion.EXHAUSTION_FIRST,
      sources: mixture.sources.map((source) => ({ ...source, proportion: source.proportion || 1 })),
    },
  };
  checkPlan(normal);
  return normal;
}

function checkPlan({ globalBatchSize, weightUse, mixture }: PlanSpec): void {
  if (globalBatchSize > limits.global_batch_samples) {
    throw planInvalid(
      "plan.global_batch_size",
      `is ${globalBatchSize}; at most global_batch_samples (${limits.global_batch_samples})`,
    );
  }
  if (!Object.values(WeightUse).includes(weightUse))
    throw planInvalid("plan.weight_use", `is ${weightUse}; expected a use of weights`);
  if (mixture === undefined) return;
  const { sources, exhaustion, blockBatches } = mixture;
  if (!Object.values(Mixture_Exhaustion).includes(exhaustion))
    throw planInvalid("plan.mixture.exhaustion", `is ${exhaustion}; expected an exhaustion`);
  if (sources.length === 0 || sources.length > limits.mixture_sources) {
    throw planInvalid(
      "plan.mixture.sources",
      `has ${sources.length} sources; expected 1 to mixture_sources (${limits.mixture_sources})`,
    );
  }
  const missing = sources.findIndex(({ source }) => source?.source === undefined);
  if (missing !== -1)
    throw planInvalid(`plan.mixture.sources[${missing}].source`, "is missing; name a dataset, a spec or a snapshot");
  if (blockBatches * globalBatchSize > limits.mixture_block_samples) {
    throw planInvalid(
      "plan.mixture.block_batches",
      `makes blocks of ${blockBatches * globalBatchSize} samples; at most mixture_block_samples (${limits.mixture_block_samples})`,
    );
  }
}

/** What a plan reads. Throws PLAN_INVALID where the request names sources twice or not at all. */
export function sourcesOf(source: SampleSource | undefined, { mixture }: PlanSpec): SampleSource[] {
  const given = source?.source === undefined ? undefined : source;
  if (mixture === undefined) {
    if (given === undefined) throw planInvalid("source", "is missing; name a dataset, a spec or a snapshot");
    return [given];
  }
  if (given !== undefined) throw planInvalid("source", "must be absent where plan.mixture names the sources");
  return mixture.sources.map((one) => one.source as SampleSource);
}

/** True for what a stream in snapshot order does anyway. */
export function isSnapshotOrder({ epoch, shuffle, globalBatchSize, dropLast, weightUse, mixture }: PlanSpec): boolean {
  const sampling = weightUse === WeightUse.WEIGHT_USE_SAMPLING;
  return (
    epoch === 0 && shuffle === undefined && globalBatchSize === 1 && !dropLast && !sampling && mixture === undefined
  );
}

/** With its defaults written out. Throws PLAN_INVALID. */
export function normaliseShare(given: Share | undefined): Share {
  const { rank = 0, worker = 0 } = given ?? {};
  const share = { rank, worker, worldSize: given?.worldSize || 1, workerCount: given?.workerCount || 1 };
  if (rank >= share.worldSize)
    throw planInvalid("share.rank", `is ${rank}; expected less than world_size (${share.worldSize})`);
  if (worker >= share.workerCount)
    throw planInvalid("share.worker", `is ${worker}; expected less than worker_count (${share.workerCount})`);
  return share;
}

/** Every rank must have a part of every global batch, or the others would wait for it for ever. Throws PLAN_INVALID. */
export function checkShare({ worldSize }: Share, batchSize: number, sampleCount: number): void {
  checkWorldSize(worldSize, batchSize);
  const last = sampleCount % batchSize;
  if (last > 0 && last < worldSize) {
    throw planInvalid(
      "world_size",
      `is ${worldSize}, but the last global batch has only ${last} samples, so some rank would have none; set drop_last`,
    );
  }
}

/** Throws PLAN_INVALID. */
export function checkWorldSize(worldSize: number, batchSize: number): void {
  if (worldSize <= batchSize) return;
  throw planInvalid(
    "world_size",
    `is ${worldSize}; expected at most global_batch_size (${batchSize}), so that every rank has a sample of every batch`,
  );
}

export function isWholeShare({ worldSize, workerCount }: Share): boolean {
  return worldSize === 1 && workerCount === 1;
}
