/** The part of one worker of one rank. Any share of any world may resume from any state. */
export interface ShareOptions {
  /** 0 by default. */
  readonly rank?: number;
  /** Ranks; 1 by default, at most the global batch size. */
  readonly worldSize?: number;
  /** 0 by default. Workers of a rank take its batches in turn; the first takes the one at which the call begins. */
  readonly worker?: number;
  /** Workers of this rank; 1 by default. */
  readonly workerCount?: number;
}

/** Consecutive indices of one global batch: `first` to `end` − 1. */
export interface BatchRange {
  readonly batch: number;
  readonly first: number;
  readonly end: number;
}

/** What is read of: from where, how many, in batches of which size. */
export interface PlanExtent {
  readonly nextIndex: number;
  readonly sampleCount: number;
  readonly globalBatchSize: number;
}

/** Which indices of a plan belong to a share. Of each global batch of m samples, rank r of W takes positions ⌊r m / W⌋ to ⌊(r + 1) m / W⌋ − 1. */
export class ShareRanges {
  readonly #share: Required<ShareOptions>;
  readonly #extent: PlanExtent;
  readonly #firstBatch: number;

  constructor(share: ShareOptions, extent: PlanExtent) {
    this.#share = completeShare(share);
    this.#extent = extent;
    this.#firstBatch = Math.floor(extent.nextIndex / extent.globalBatchSize);
  }

  /** Samples of the whole plan. */
  get sampleCount(): number {
    return this.#extent.sampleCount;
  }

  /** The first range of this share that has indices from `index` on, without those before; undefined after the last. */
  from(index: number): BatchRange | undefined {
    const { globalBatchSize, sampleCount } = this.#extent;
    const { workerCount } = this.#share;
    let batch = this.#turnFrom(Math.floor(index / globalBatchSize));
    for (; batch * globalBatchSize < sampleCount; batch += workerCount) {
      const range = this.#rangeOf(batch, index);
      if (range.first < range.end) return range;
    }
    return undefined;
  }

  /** The same share for a call that begins at `index`: its first worker is another one. */
  callFrom(index: number): Required<ShareOptions> {
    const batch = Math.floor(index / this.#extent.globalBatchSize);
    return { ...this.#share, worker: this.#turnFrom(batch) - batch };
  }

  /** Where a state stands once every rank has consumed a batch. */
  after(batch: number): number {
    return Math.min((batch + 1) * this.#extent.globalBatchSize, this.#extent.sampleCount);
  }

  /** The first batch of this worker from `batch` on. */
  #turnFrom(batch: number): number {
    const { worker, workerCount } = this.#share;
    const behind = (this.#firstBatch + worker - batch) % workerCount;
    return batch + ((behind + workerCount) % workerCount);
  }

  #rangeOf(batch: number, index: number): BatchRange {
    const { globalBatchSize, sampleCount } = this.#extent;
    const { rank, worldSize } = this.#share;
    const start = batch * globalBatchSize;
    const samples = Math.min(globalBatchSize, sampleCount - start);
    const first = start + Math.floor((rank * samples) / worldSize);
    const end = start + Math.floor(((rank + 1) * samples) / worldSize);
    return { batch, first: Math.max(first, index), end };
  }
}

export function completeShare(share: ShareOptions): Required<ShareOptions> {
  const { rank = 0, worldSize = 1, worker = 0, workerCount = 1 } = share;
  return { rank, worldSize, worker, workerCount };
}

export function isWhole({ worldSize = 1, workerCount = 1 }: ShareOptions): boolean {
  return worldSize === 1 && workerCount === 1;
}
