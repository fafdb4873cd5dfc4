import { createHash } from "node:crypto";
import { Mixture_Exhaustion, type PlanSpec } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { BlockInterleave, type Interleave, mixtureLength, ProportionalInterleave } from "./interleave.ts";
import { PageOrder } from "./page-order.ts";
import type { PermutationKey } from "./permutation.ts";

/** Part of a plan's hash: goes up with every change that gives any plan another order. */
export const ORDER_VERSION = 1;

/** What one source of a plan has. */
export interface OrderSource {
  /** Samples of each page. */
  readonly pageCounts: Uint32Array;
  /** Number of the first sample of each page. */
  readonly pageStarts: Float64Array;
  /** How often each sample comes in an epoch; once where undefined. */
  readonly copies: Uint8Array | undefined;
  /** 1,024ths in a mixture by proportion. */
  readonly slots: number;
}

/** Which sample is at an index, and how it got there. */
export interface PlannedSample {
  readonly source: number;
  readonly sourceEpoch: number;
  readonly sourceIndex: number;
  readonly window: number;
  readonly page: number;
  readonly sample: number;
  readonly copy: number;
}

/** Orders of one source's epochs that are kept, for readers at different places; the longest unused goes. */
const KEPT_EPOCHS = 4;

/** The order of a plan: any index in logarithmic time, shared by all its readers. Pure. */
export class PlanOrder {
  /** Samples of the epoch. */
  readonly sampleCount: number;
  readonly batchSize: number;
  /** Samples of one epoch of each source. */
  readonly epochCounts: readonly number[];
  readonly #spec: PlanSpec;
  readonly #sources: readonly OrderSource[];
  readonly #interleave: Interleave | undefined;
  readonly #items: readonly Uint32Array[];
  readonly #orders: readonly Map<number, PageOrder>[];

  constructor(spec: PlanSpec, sources: readonly OrderSource[]) {
    this.#spec = spec;
    this.#sources = sources;
    this.batchSize = Math.max(1, spec.globalBatchSize);
    this.#items = sources.map(itemsOf);
    this.epochCounts = this.#items.map((items) => items.reduce((sum, count) => sum + count, 0));
    this.#orders = sources.map(() => new Map());
    this.#interleave = spec.mixture && interleaveOf(spec, sources, this.batchSize);
    const length = this.#length();
    this.sampleCount = spec.dropLast ? length - (length % this.batchSize) : length;
  }

  get batchCount(): number {
    return Math.ceil(this.sampleCount / this.batchSize);
  }

  /** @param index below `sampleCount` */
  at(index: number): PlannedSample {
    const { source, index: turn } = this.#interleave?.at(index) ?? { source: 0, index };
    const count = this.epochCounts[source] as number;
    const sourceEpoch = Math.floor(turn / count);
    const sourceIndex = turn - sourceEpoch * count;
    const { window, page, item } = this.#orderOf(source, sourceEpoch).at(sourceIndex);
    const first = this.#sources[source]?.pageStarts[page] as number;
    const { sample, copy } = this.#sampleOf(source, first, item);
    return { source, sourceEpoch, sourceIndex, window, page, sample, copy };
  }

  /** How often a sample comes in one epoch of its source. */
  copiesOf(source: number, sample: number): number {
    return this.#sources[source]?.copies?.[sample] ?? 1;
  }

  /** How many samples of the plan come from a source. */
  countOf(source: number): number {
    return this.#interleave?.countOf(source, this.sampleCount) ?? this.sampleCount;
  }

  #length(): number {
    if (this.#interleave === undefined) return this.epochCounts[0] ?? 0;
    const all = this.#spec.mixture?.exhaustion === Mixture_Exhaustion.EXHAUSTION_ALL;
    return mixtureLength(this.#interleave, this.epochCounts, all);
  }

  #sampleOf(source: number, first: number, item: number): { sample: number; copy: number } {
    const copies = this.#sources[source]?.copies;
    if (copies === undefined) return { sample: first + item, copy: 0 };
    let [sample, left] = [first, item];
    for (; left >= (copies[sample] as number); sample += 1) left -= copies[sample] as number;
    return { sample, copy: left };
  }

  #orderOf(source: number, sourceEpoch: number): PageOrder {
    const orders = this.#orders[source] as Map<number, PageOrder>;
    const known = orders.get(sourceEpoch);
    if (known !== undefined) {
      if (orders.size > 1) orders.delete(sourceEpoch);
      orders.set(sourceEpoch, known);
      return known;
    }
    const { shuffle } = this.#spec;
    const key = keyOf(this.#spec, source, sourceEpoch);
    const order = new PageOrder(
      this.#items[source] as Uint32Array,
      shuffle && { key, windowPages: shuffle.windowPages },
    );
    orders.set(sourceEpoch, order);
    const [oldest] = orders.keys();
    if (orders.size > KEPT_EPOCHS && oldest !== undefined) orders.delete(oldest);
    return order;
  }
}

function interleaveOf({ mixture }: PlanSpec, sources: readonly OrderSource[], batchSize: number): Interleave {
  return mixture !== undefined && mixture.blockBatches > 0
    ? new BlockInterleave(sources.length, mixture.blockBatches * batchSize)
    : new ProportionalInterleave(sources.map(({ slots }) => slots));
}

/** Samples of each page, copies counted. */
function itemsOf({ pageCounts, pageStarts, copies }: OrderSource): Uint32Array {
  if (copies === undefined) return pageCounts;
  return pageCounts.map((count, page) => {
    const start = pageStarts[page] as number;
    let items = 0;
    for (let sample = start; sample < start + count; sample += 1) items += copies[sample] as number;
    return items;
  });
}

/** SHA-256 of version, seed, epoch, source and the source's epoch, as eight words. */
function keyOf({ seed, epoch }: PlanSpec, source: number, sourceEpoch: number): PermutationKey {
  const numbers = Buffer.alloc(28);
  numbers.writeUInt32LE(ORDER_VERSION, 0);
  numbers.writeBigUInt64LE(seed, 4);
  numbers.writeUInt32LE(epoch, 12);
  numbers.writeUInt32LE(source, 16);
  numbers.writeBigUInt64LE(BigInt(sourceEpoch), 20);
  const digest = createHash("sha256").update("loraloop order").update(numbers).digest();
  return Uint32Array.from({ length: 8 }, (_, word) => digest.readUInt32LE(word * 4));
}
