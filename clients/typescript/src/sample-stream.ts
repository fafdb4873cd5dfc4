import { createHash, type Hash } from "node:crypto";
import {
  type Batch,
  type Checkpoint,
  type DeepPartial,
  type Footer,
  Footer_Reason,
  type Header,
  type ResumePoint,
  type SampleSource,
  type StreamSamplesRequest,
  type StreamSamplesResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Statistics } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { ConnectionError, LoraloopError, StateError, TruncatedStreamError } from "./errors.ts";
import { Backoff } from "./retry.ts";
import { type Sample, SampleBatch } from "./sample-batch.ts";
import { type StreamState, toResumePoint, toState } from "./stream-state.ts";

export interface StreamOptions {
  /** Goes on where another stream stopped. */
  readonly resume?: StreamState;
  /** At most this many samples a batch; the server's choice by default. Never changes the samples. */
  readonly batchSize?: number;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
  /** How long to reconnect without progress; 300 by default. */
  readonly reconnectSeconds?: number;
}

/** Opens one call; a stream makes several when the connection breaks. */
export type OpenStream = (
  request: DeepPartial<StreamSamplesRequest>,
  options: { signal: AbortSignal },
) => AsyncIterable<StreamSamplesResponse>;

/**
 * Samples in the order of the snapshot, each once, whatever happens to the connection or the server.
 * Iterate samples (`for await (const sample of stream)`) or frames (`stream.batches()`), once. Leaving the loop cancels the call.
 */
export class SampleStream implements AsyncIterable<Sample>, AsyncDisposable {
  readonly #open: OpenStream;
  readonly #source: DeepPartial<SampleSource>;
  readonly #options: StreamOptions;
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal;
  #header: Header | undefined;
  #resume: ResumePoint | undefined;
  #received: number;
  #consumed: number;
  #statistics: Statistics | undefined;
  #snapshotDigest: Uint8Array | undefined;
  #began = false;

  constructor(open: OpenStream, source: DeepPartial<SampleSource>, options: StreamOptions = {}) {
    this.#open = open;
    this.#source = source;
    this.#options = options;
    this.#resume = options.resume && toResumePoint(options.resume);
    this.#received = this.#consumed = options.resume?.next_index ?? 0;
    this.#signal = options.signal
      ? AbortSignal.any([options.signal, this.#controller.signal])
      : this.#controller.signal;
  }

  /** Index of the next sample to consume. */
  get nextIndex(): number {
    return this.#consumed;
  }

  /** What the server said first; undefined before the first frame. */
  get header(): Header | undefined {
    return this.#header;
  }

  /** Of the snapshot: live while it is built, final at the end. */
  get statistics(): Statistics | undefined {
    return this.#statistics;
  }

  /** Digest of the snapshot; at the end of the stream. */
  get snapshotDigest(): Uint8Array | undefined {
    return this.#snapshotDigest;
  }

  /** Counts the samples (or whole batches) that the loop was given. Throws before the first frame of a stream that has no state yet. */
  stateDict(): StreamState {
    if (this.#resume === undefined) throw new StateError("The stream has no state before its first frame.");
    return toState(this.#resume, this.#consumed);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Sample> {
    for await (const batch of this.#receive()) {
      for (const sample of batch.samples()) {
        this.#consumed += 1;
        yield sample;
      }
    }
  }

  /** Whole frames, for those who want ids, indices or raw lines. */
  async *batches(): AsyncGenerator<SampleBatch> {
    for await (const batch of this.#receive()) {
      this.#consumed += batch.length;
      yield batch;
    }
  }

  /** Cancels the call. Idempotent. */
  close(): void {
    this.#controller.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async *#receive(): AsyncGenerator<SampleBatch> {
    if (this.#began)
      throw new LoraloopError("A stream is iterated once; open another with `resume: stream.stateDict()`.");
    this.#began = true;
    const backoff = new Backoff(this.#options.reconnectSeconds ?? 300, this.#signal);
    try {
      while (true) {
        try {
          if (yield* this.#call(backoff)) return;
          throw new ConnectionError("The server ended the stream early.");
        } catch (error) {
          await backoff.wait(error);
        }
      }
    } finally {
      this.close();
    }
  }

  /** One call. Returns true at the end of the stream, false where another call has to go on. */
  async *#call(backoff: Backoff): AsyncGenerator<SampleBatch, boolean> {
    const digest = createHash("sha256");
    for await (const { frame } of this.#open(this.#request(), { signal: this.#signal })) {
      switch (frame?.$case) {
        case "header":
          this.#accept(frame.value);
          break;
        case "batch":
          this.#check(frame.value);
          updateDigest(digest, frame.value);
          this.#received += frame.value.ids.length;
          backoff.progress();
          yield new SampleBatch(frame.value);
          break;
        case "checkpoint":
          this.#note(frame.value);
          backoff.progress();
          break;
        case "footer":
          return this.#end(frame.value, digest);
      }
    }
    return false;
  }

  #request(): DeepPartial<StreamSamplesRequest> {
    const resume = this.#resume && { ...this.#resume, nextIndex: BigInt(this.#received) };
    return { source: this.#source, batchSize: this.#options.batchSize ?? 0, ...(resume && { resume }) };
  }

  #accept(header: Header): void {
    const point = header.resume;
    if (point === undefined) throw new TruncatedStreamError("The stream's header has no resume point.");
    if (this.#resume !== undefined && this.#resume.plan !== point.plan) {
      throw new StateError(`The stream goes on in plan ${point.plan}, but began in plan ${this.#resume.plan}.`);
    }
    if (point.nextIndex !== BigInt(this.#received)) {
      throw new TruncatedStreamError(`The stream begins at index ${point.nextIndex}, not at ${this.#received}.`);
    }
    this.#header = header;
    this.#resume = point;
  }

  /** The samples that are due, all of them. */
  #check(batch: Batch): void {
    let next = BigInt(this.#received);
    for (const { first, count } of batch.indexRuns) {
      if (first !== next) throw new TruncatedStreamError(`Index ${first} came where ${next} was due.`);
      next += BigInt(count);
    }
    const count = Number(next) - this.#received;
    if (batch.ids.length !== count || ![0, count].includes(batch.weightsMicros.length)) {
      throw new TruncatedStreamError(
        `A batch of ${count} samples has ${batch.ids.length} ids and ${batch.weightsMicros.length} weights.`,
      );
    }
  }

  #note(checkpoint: Checkpoint): void {
    this.#statistics = checkpoint.statistics;
  }

  #end(footer: Footer, digest: Hash): boolean {
    if (footer.nextIndex !== BigInt(this.#received)) {
      throw new TruncatedStreamError(`The stream ends at index ${footer.nextIndex}, but ${this.#received} is due.`);
    }
    if (!digest.digest().equals(footer.linesDigest)) {
      throw new TruncatedStreamError("The lines that came do not have the digest of the lines that were sent.");
    }
    if (footer.reason === Footer_Reason.REASON_DRAIN) return false;
    this.#statistics = footer.statistics;
    this.#snapshotDigest = footer.snapshotDigest;
    return true;
  }
}

function updateDigest(digest: Hash, batch: Batch): void {
  let start = 0;
  for (const bytes of batch.segmentBytes) {
    digest.update(
      createHash("sha256")
        .update(batch.lines.subarray(start, start + bytes))
        .digest(),
    );
    start += bytes;
  }
}
