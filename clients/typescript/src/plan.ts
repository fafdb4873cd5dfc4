import {
  type DeepPartial,
  type GetPlanRequest,
  Mixture_Exhaustion,
  type PlanSpec,
  type StreamSamplesRequest,
  WeightUse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { type RunSource, type Source, toSource } from "./source.ts";

/** The order in which samples come. Equal options over equal snapshots give the same order on any machine and in every client language. */
export interface PlanOptions {
  /** Every epoch has an order of its own; 0 by default. */
  readonly epoch?: number;
  /** Key of the shuffle and of the sampling; 0 by default, below 2^64. */
  readonly seed?: number | bigint;
  /** Snapshot order by default; `true` shuffles windows of 1,024 pages (about 64 MB), a number windows of so many pages. */
  readonly shuffle?: boolean | number;
  /** Samples of one forward-backward step of all ranks; 1 by default, at most 1,048,576. */
  readonly globalBatchSize?: number;
  /** Leaves out a last global batch that is not full; false by default. */
  readonly dropLast?: boolean;
  /** Weights come with the samples, for the loss (default), or say how often a sample comes; then samples carry none. */
  readonly weights?: "loss" | "sampling";
  /** Several sources in one order, instead of the call's source. */
  readonly mixture?: Mixture;
}

/** Several sources in one order; each comes again, in a new order, where the mixture outlasts it. */
export interface Mixture {
  /** 1 to 64. */
  readonly sources: readonly MixtureSource[];
  /** The epoch ends before a sample would come a second time (`first`, the default), or when every source has come once (`all`). */
  readonly exhaustion?: "first" | "all";
  /** Sources take turns for so many global batches each, and proportions are not used; 0 (default) mixes them by proportion. */
  readonly blockBatches?: number;
}

export interface MixtureSource {
  readonly source: Source;
  /** Share of the samples, relative to the others', a positive integer; 1 by default. */
  readonly proportion?: number;
}

const exhaustions = { first: Mixture_Exhaustion.EXHAUSTION_FIRST, all: Mixture_Exhaustion.EXHAUSTION_ALL } as const;
const weightUses = { loss: WeightUse.WEIGHT_USE_LOSS, sampling: WeightUse.WEIGHT_USE_SAMPLING } as const;

/** What a call reads, and in which order. */
export type PlanTarget = Pick<DeepPartial<StreamSamplesRequest>, "source" | "plan" | "runEpoch">;

/** A plan by its hash. */
export interface PlanHash {
  readonly hash: string;
}

export interface PlanSteps {
  /** 1 by default. */
  readonly epochs?: number;
  /** Global batches of one optimizer step; 1 by default. */
  readonly gradientAccumulationSteps?: number;
}

export interface PlanPlace {
  /** 0 by default. */
  readonly firstIndex?: number;
  /** 10 by default, at most 1,000. */
  readonly count?: number;
  /** Ranks for which `rank` is told; 1 by default. */
  readonly worldSize?: number;
}

/** @param source none where the plan has a mixture; of a run's plan the epoch alone counts. */
export function toPlanTarget(source: Source | RunSource | undefined, options: PlanOptions | undefined): PlanTarget {
  if (typeof source === "object" && "run" in source)
    return { runEpoch: { run: source.run, epoch: options?.epoch ?? 0 } };
  return { ...(source !== undefined && { source: toSource(source) }), ...(options && { plan: toPlanSpec(options) }) };
}

export function toPlanRequest(
  source: Source | RunSource | PlanHash | undefined,
  options: PlanOptions,
): DeepPartial<GetPlanRequest> {
  if (typeof source === "object" && "hash" in source) return { hash: source.hash };
  return toPlanTarget(source, options);
}

export function toPlanSpec(options: PlanOptions): DeepPartial<PlanSpec> {
  const { shuffle = false, mixture } = options;
  return {
    epoch: options.epoch ?? 0,
    seed: BigInt(options.seed ?? 0),
    globalBatchSize: options.globalBatchSize ?? 1,
    dropLast: options.dropLast ?? false,
    weightUse: weightUses[options.weights ?? "loss"],
    ...(shuffle !== false && shuffle !== 0 && { shuffle: { windowPages: shuffle === true ? 0 : shuffle } }),
    ...(mixture && { mixture: toMixture(mixture) }),
  };
}

/** Throws RangeError for a number below 1. */
export function toSteps({ epochs = 1, gradientAccumulationSteps = 1 }: PlanSteps): Required<PlanSteps> {
  checkPositive("epochs", epochs);
  checkPositive("gradientAccumulationSteps", gradientAccumulationSteps);
  return { epochs, gradientAccumulationSteps };
}

/** Protobuf takes 0 for what nobody gave. Throws RangeError. */
function checkPositive(name: string, value: number): number {
  if (value >= 1) return value;
  throw new RangeError(`${name} is ${value}; expected at least 1.`);
}

function toMixture({ sources, exhaustion = "first", blockBatches = 0 }: Mixture): DeepPartial<PlanSpec["mixture"]> {
  return {
    sources: sources.map(({ source, proportion = 1 }) => ({
      source: toSource(source),
      proportion: checkPositive("proportion", proportion),
    })),
    exhaustion: exhaustions[exhaustion],
    blockBatches,
  };
}
