import type {
  DeepPartial,
  GetPlanRequest,
  GetPlanResponse,
  Plan,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { LoraloopError, StateError } from "./errors.ts";
import { type PlanOptions, type PlanSteps, type PlanTarget, toPlanTarget, toSteps } from "./plan.ts";
import { type RankBatch, RankBatches } from "./rank-batch.ts";
import { checkDelivery, type ReadOptions, SampleStream, type StreamCalls } from "./sample-stream.ts";
import { isWhole, type ShareOptions } from "./share.ts";
import { isPinned, type RunSource, type Source } from "./source.ts";
import type { StreamState } from "./stream-state.ts";

/** A plan, a share of it, and how to read. */
export interface TrainerOptions extends PlanOptions, ShareOptions, ReadOptions {}

export interface TrainerCalls extends StreamCalls {
  readonly getPlan: (request: DeepPartial<GetPlanRequest>) => Promise<GetPlanResponse>;
}

/**
 * Batches of one rank, as a training loop takes them: each iteration is one epoch, in the plan's order, each batch once, whatever happens to the connection or
 * the server. Every rank gets the same number of batches. Leaving a loop cancels the call; the next loop begins the epoch anew unless a state was loaded.
 */
export class TrainerStream implements AsyncIterable<RankBatch>, AsyncDisposable {
  readonly #calls: TrainerCalls;
  readonly #source: Source | RunSource | undefined;
  readonly #options: TrainerOptions;
  readonly #controller = new AbortController();
  #epoch: number;
  #lowestEpoch = 0;
  /** Where loops begin until one has reached the end. */
  #resume: StreamState | undefined;
  #state: StreamState | undefined;

  constructor(calls: TrainerCalls, source: Source | RunSource | undefined, options: TrainerOptions = {}) {
    checkDelivery(options);
    this.#calls = calls;
    this.#source = source;
    this.#options = options;
    this.#epoch = options.epoch ?? 0;
    if (options.resume) this.loadStateDict(options.resume);
  }

  /** Of the next loop. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Lets the next loop read this epoch, from its beginning. One below that of a state that was loaded is ignored: a training may count anew. */
  setEpoch(epoch: number): void {
    if (epoch === this.#epoch || epoch < this.#lowestEpoch) return;
    this.#epoch = epoch;
    this.#resume = undefined;
    this.#state = undefined;
  }

  /** Loops go on where `state` stands until one has reached the end of the epoch. It may come from another rank, another number of ranks or workers, or another client language. */
  loadStateDict(state: StreamState): void {
    this.#resume = state;
    this.#state = state;
    this.#epoch = state.epoch;
    this.#lowestEpoch = state.epoch;
  }

  /**
   * After the last batch that the loop was given; equal on all ranks, small plain JSON. Throws StateError before the first batch where none was loaded, and for one
   * of several workers: whoever takes their batches in turn keeps `batch.state`.
   */
  stateDict(): StreamState {
    if ((this.#options.workerCount ?? 1) > 1) {
      throw new StateError(
        "One worker does not know what the others gave out: keep the state of the batch that was consumed last.",
      );
    }
    if (this.#state === undefined) throw new StateError("There is no state before the first batch.");
    return this.#state;
  }

  /** The plan of the current epoch. Waits for its snapshots. */
  async plan(): Promise<Plan> {
    const { plan } = await this.#calls.getPlan(this.#planRequest());
    if (plan === undefined) throw new LoraloopError("The server gave no plan.");
    return plan;
  }

  /** Optimizer steps of so many epochs (1) with so many batches each (1), for learning-rate schedules. */
  async maxSteps(options: PlanSteps = {}): Promise<number> {
    const { maxSteps } = await this.#calls.getPlan({ ...this.#planRequest(), ...toSteps(options) });
    return Number(maxSteps);
  }

  /** One epoch. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RankBatch> {
    this.#checkPinned();
    const resume = this.#resume;
    const stream = this.#open();
    let batches: RankBatches | undefined;
    for await (const frame of stream.batches()) {
      batches ??= new RankBatches(stream.ranges, (nextIndex) => stream.stateAt(nextIndex));
      for (const batch of batches.take(frame)) {
        this.#state = batch.state;
        yield batch;
      }
    }
    if (this.#resume === resume) this.#resume = undefined;
  }

  /** Ends every loop. Idempotent. */
  close(): void {
    this.#controller.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #open(): SampleStream {
    const { signal: given, resume: _first, ...options } = this.#options;
    const signal = given ? AbortSignal.any([given, this.#controller.signal]) : this.#controller.signal;
    const resume = this.#resume && { resume: this.#resume };
    return new SampleStream(this.#calls, this.#target(), { ...options, signal, ...resume });
  }

  /** Ranks and workers that look a dataset up by themselves may find other records. */
  #checkPinned(): void {
    const { mixture } = this.#options;
    const sources = mixture === undefined ? [this.#source] : mixture.sources.map(({ source }) => source);
    if (isWhole(this.#options) || this.#resume !== undefined || sources.every(isPinned)) return;
    throw new LoraloopError(
      "Several ranks or workers must read the same: name snapshots, revisions or a run, or load a state.",
    );
  }

  /** What a state knows stays, whatever became of a dataset. */
  #planRequest(): DeepPartial<GetPlanRequest> {
    return this.#state === undefined ? this.#target() : { hash: this.#state.plan };
  }

  #target(): PlanTarget {
    return toPlanTarget(this.#source, { ...this.#options, epoch: this.#epoch });
  }
}
