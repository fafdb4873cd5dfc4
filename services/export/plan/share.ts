import type { Share } from "../../../proto/gen/loraloop/export/v1/export_service.ts";

/** Consecutive indices. */
export interface Run {
  readonly first: number;
  readonly count: number;
}

/** Positions of rank r of W in a global batch of m samples: floor(r m / W) to floor((r + 1) m / W) − 1. */
export function sliceOf(rank: number, worldSize: number, samples: number): { from: number; to: number } {
  return { from: Math.floor((rank * samples) / worldSize), to: Math.floor(((rank + 1) * samples) / worldSize) };
}

/** The rank that takes a position of a global batch of so many samples: the inverse of `sliceOf`. All products stay below 2^53. */
export function rankOf(position: number, worldSize: number, samples: number): number {
  return Math.floor(((position + 1) * worldSize - 1) / samples);
}

/** The indices of one share, from a place of the plan on, one run for each batch. */
export class ShareRuns {
  readonly #share: Required<Share>;
  readonly #batchSize: number;
  readonly #sampleCount: number;
  readonly #nextIndex: number;

  /** @param share with `worldSize` and `workerCount` of at least 1 */
  constructor(share: Share, batchSize: number, sampleCount: number, nextIndex: number) {
    this.#share = share;
    this.#batchSize = batchSize;
    this.#sampleCount = sampleCount;
    this.#nextIndex = nextIndex;
  }

  *[Symbol.iterator](): Generator<Run> {
    const { worker, workerCount } = this.#share;
    const firstBatch = Math.floor(this.#nextIndex / this.#batchSize);
    for (let batch = firstBatch + worker; batch * this.#batchSize < this.#sampleCount; batch += workerCount) {
      const run = this.#runOf(batch);
      if (run.count > 0) yield run;
    }
  }

  /** The rank's part of a batch, without what was consumed. */
  #runOf(batch: number): Run {
    const start = batch * this.#batchSize;
    const samples = Math.min(this.#batchSize, this.#sampleCount - start);
    const { from, to } = sliceOf(this.#share.rank, this.#share.worldSize, samples);
    const first = Math.max(start + from, this.#nextIndex);
    return { first, count: start + to - first };
  }
}

/** Samples of a rank in a whole plan, its workers together. */
export function shareCount(share: Share, batchSize: number, sampleCount: number): number {
  const whole = Math.floor(sampleCount / batchSize);
  const full = sliceOf(share.rank, share.worldSize, batchSize);
  const rest = sliceOf(share.rank, share.worldSize, sampleCount - whole * batchSize);
  return whole * (full.to - full.from) + rest.to - rest.from;
}
