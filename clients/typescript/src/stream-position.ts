import type { DeepPartial, Header, IndexRun, Share } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { StateError, TruncatedStreamError } from "./errors.ts";
import { completeShare, isWhole, type ShareOptions, ShareRanges } from "./share.ts";

/** Where a stream is in its plan, and which indices are due. */
export class StreamPosition {
  readonly #share: Required<ShareOptions>;
  readonly #began: number;
  #ranges: ShareRanges | undefined;
  #received: number;

  constructor(share: ShareOptions, nextIndex: number) {
    this.#share = completeShare(share);
    this.#began = nextIndex;
    this.#received = nextIndex;
  }

  /** Everything of the share below this index was received. */
  get received(): number {
    return this.#received;
  }

  /** Known once the plan is. */
  get ranges(): ShareRanges | undefined {
    return this.#ranges;
  }

  /** What a call that goes on here asks for. */
  get callShare(): DeepPartial<Share> | undefined {
    return isWhole(this.#share) ? undefined : (this.#ranges?.callFrom(this.#received) ?? this.#share);
  }

  /** Learns the plan. A snapshot that is still being built has no count yet. Throws StateError where this rank cannot begin. */
  accept({ plan, sampleCount }: Header): void {
    const extent = {
      nextIndex: this.#began,
      sampleCount: Number(plan?.sampleCount ?? sampleCount ?? Number.MAX_SAFE_INTEGER),
      globalBatchSize: plan?.spec?.globalBatchSize || 1,
    };
    const inside = this.#began % extent.globalBatchSize !== 0 && this.#began < extent.sampleCount;
    if (inside && this.#share.worldSize > 1) {
      throw new StateError(
        `The state stands at index ${this.#began}, inside a global batch of ${extent.globalBatchSize}: only rank 0 of 1 can go on there.`,
      );
    }
    this.#ranges = new ShareRanges(this.#share, extent);
  }

  /** Counts what came as received. Throws TruncatedStreamError unless it is what is due, all of it, in order. */
  take(runs: readonly IndexRun[]): void {
    for (const run of runs) {
      const [first, end] = [Number(run.first), Number(run.first) + run.count];
      if (isWhole(this.#share)) this.#expect(first, this.#received);
      else for (let next = first; next < end; next = this.#takeRange(next, end));
      this.#received = end;
    }
  }

  /** The server says that everything before `nextIndex` was sent. */
  finish(nextIndex: number): void {
    if (this.#dueFrom(nextIndex) !== this.#dueFrom(this.#received)) {
      throw new TruncatedStreamError(
        `The stream ends at index ${nextIndex}, but ${this.#dueFrom(this.#received)} is due.`,
      );
    }
    this.#received = nextIndex;
  }

  /** Where a state stands once the loop was given everything before `consumed`: in whole global batches, unless the share is the whole plan. */
  stateIndex(consumed: number): number {
    if (isWhole(this.#share)) return consumed;
    if (this.#share.workerCount > 1) {
      throw new StateError(
        "One worker does not know what the others gave out: keep the state of the batch that was consumed last.",
      );
    }
    if (this.#ranges === undefined) return this.#began;
    const next = this.#ranges.from(consumed);
    return next === undefined ? this.#ranges.sampleCount : Math.max(this.#began, this.#ranges.after(next.batch - 1));
  }

  #takeRange(first: number, end: number): number {
    const range = this.#ranges?.from(this.#received);
    this.#expect(first, range?.first);
    this.#received = Math.min(end, range?.end ?? end);
    return this.#received;
  }

  #expect(first: number, due: number | undefined): void {
    if (first !== due) throw new TruncatedStreamError(`Index ${first} came where ${due ?? "the end"} was due.`);
  }

  #dueFrom(index: number): number {
    if (isWhole(this.#share) || this.#ranges === undefined) return index;
    return this.#ranges.from(index)?.first ?? this.#ranges.sampleCount;
  }
}
