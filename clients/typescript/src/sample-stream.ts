import { createHash, type Hash } from "node:crypto";
import {
  Compression,
  type DeepPartial,
  Delivery,
  type Footer,
  Footer_Reason,
  type Header,
  type ResumePoint,
  type StreamSamplesRequest,
  type StreamSamplesResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Statistics } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { BlockCache } from "./block-cache.ts";
import { ConnectionError, LoraloopError, StateError, TruncatedStreamError } from "./errors.ts";
import { contentOf } from "./frame-content.ts";
import type { PlanTarget } from "./plan.ts";
import { readAhead } from "./read-ahead.ts";
import { BlockReader, type OpenBlocks } from "./read-block.ts";
import { resolveReferences } from "./referenced-lines.ts";
import { Backoff } from "./retry.ts";
import { type BatchContent, type Sample, SampleBatch } from "./sample-batch.ts";
import type { ShareOptions, ShareRanges } from "./share.ts";
import { StreamPosition } from "./stream-position.ts";
import { type StreamState, toResumePoint, toState } from "./stream-state.ts";

export interface ReadOptions {
  /** Goes on where another stream stopped. */
  readonly resume?: StreamState;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
  /** How long to reconnect without progress; 300 by default. */
  readonly reconnectSeconds?: number;
  /** `zstd` where the trainer is far away; `none` by default. Never changes the samples. Not together with a cache, whose blocks come as they are. */
  readonly compression?: "none" | "zstd";
  /** Fetches whole blocks once and takes samples from there, in this and later epochs; the stream itself only refers to them. */
  readonly cache?: BlockCache;
  /** With a cache: bytes of samples that are gathered ahead of the loop; 16 MiB by default. */
  readonly prefetchBytes?: number;
}

export interface CallOptions extends ReadOptions, ShareOptions {
  /** At most this many samples a batch; the server's choice by default. Never changes the samples. */
  readonly batchSize?: number;
}

/** The calls that a stream makes: several when the connection breaks. */
export interface StreamCalls {
  readonly open: (
    request: DeepPartial<StreamSamplesRequest>,
    options: { signal: AbortSignal },
  ) => AsyncIterable<StreamSamplesResponse>;
  readonly openBlocks: OpenBlocks;
}

/** Throws LoraloopError for options that do not fit each other. */
export function checkDelivery({ cache, compression = "none" }: ReadOptions): void {
  if (cache === undefined || compression === "none") return;
  throw new LoraloopError(
    `compression ${JSON.stringify(compression)} packs lines, and with a cache only references to blocks come: leave one out.`,
  );
}

const prefetchBytes = 16 * 1024 * 1024;
const reconnectSeconds = 300;

/**
 * Samples in the order of the plan (the snapshot's where there is none), each once, whatever happens to the connection or the server.
 * Iterate samples (`for await (const sample of stream)`) or frames (`stream.batches()`), once. Leaving the loop cancels the call.
 */
export class SampleStream implements AsyncIterable<Sample>, AsyncDisposable {
  readonly #calls: StreamCalls;
  readonly #target: PlanTarget;
  readonly #options: CallOptions;
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal;
  readonly #position: StreamPosition;
  #header: Header | undefined;
  #resume: ResumePoint | undefined;
  #consumed: number;
  #statistics: Statistics | undefined;
  #snapshotDigest: Uint8Array | undefined;
  #blocks: BlockReader | undefined;
  #began = false;
  /** Samples that came in this call. */
  #callSamples = 0;

  constructor(calls: StreamCalls, target: PlanTarget, options: CallOptions = {}) {
    checkDelivery(options);
    this.#calls = calls;
    this.#target = target;
    this.#options = options;
    this.#resume = options.resume && toResumePoint(options.resume);
    this.#consumed = options.resume?.next_index ?? 0;
    this.#position = new StreamPosition(options, this.#consumed);
    this.#signal = options.signal
      ? AbortSignal.any([options.signal, this.#controller.signal])
      : this.#controller.signal;
  }

  /** Index after the last sample that was consumed. */
  get nextIndex(): number {
    return this.#consumed;
  }

  /** Which indices this stream has. Throws StateError before the first frame. */
  get ranges(): ShareRanges {
    const { ranges } = this.#position;
    if (ranges === undefined) throw new StateError("The stream's plan is not known before its first frame.");
    return ranges;
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

  /**
   * Counts the samples (or whole batches) that the loop was given; for one of several ranks, the global batches of which it was given its whole part.
   * Throws StateError before the first frame of a stream that has no state yet, and for one of several workers.
   */
  stateDict(): StreamState {
    return this.stateAt(this.#position.stateIndex(this.#consumed));
  }

  /** The state that goes on at an index. Throws StateError before the first frame of a stream that has no state yet. */
  stateAt(nextIndex: number): StreamState {
    if (this.#resume === undefined) throw new StateError("The stream has no state before its first frame.");
    return toState(this.#resume, nextIndex);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Sample> {
    for await (const batch of this.#receive()) {
      const { indices } = batch;
      for (const [place, sample] of batch.samples().entries()) {
        this.#consumed = (indices[place] as number) + 1;
        yield sample;
      }
    }
  }

  /** Whole frames, for those who want ids, indices or raw lines. */
  async *batches(): AsyncGenerator<SampleBatch> {
    for await (const batch of this.#receive()) {
      this.#consumed = (batch.indices.at(-1) ?? this.#consumed - 1) + 1;
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
    const contents = this.#contents();
    const ahead = {
      bytesOf: (content: BatchContent) => content.lines.length,
      maxBytes: this.#options.prefetchBytes ?? prefetchBytes,
      cancel: () => this.close(),
    };
    try {
      const read = this.#options.cache ? readAhead(contents, ahead) : contents;
      for await (const content of read) yield new SampleBatch(content);
    } finally {
      this.close();
    }
  }

  /** One call after the other until the end. */
  async *#contents(): AsyncGenerator<BatchContent> {
    const backoff = new Backoff(this.#options.reconnectSeconds ?? reconnectSeconds, this.#signal);
    while (true) {
      try {
        if (yield* this.#call(backoff)) return;
        throw new ConnectionError("The server ended the stream early.");
      } catch (error) {
        await backoff.wait(error);
      }
    }
  }

  /** One call. Returns true at the end of the stream, false where another call has to go on. */
  async *#call(backoff: Backoff): AsyncGenerator<BatchContent, boolean> {
    const digest = createHash("sha256");
    this.#callSamples = 0;
    for await (const { frame } of this.#calls.open(this.#request(), { signal: this.#signal })) {
      switch (frame?.$case) {
        case "header":
          this.#accept(frame.value);
          break;
        case "batch":
          backoff.progress();
          yield this.#take(contentOf(frame.value, digest));
          break;
        case "references":
          backoff.progress();
          yield this.#take(await this.#resolve(frame.value));
          break;
        case "checkpoint":
          backoff.progress();
          this.#statistics = frame.value.statistics;
          break;
        case "footer":
          return this.#end(frame.value, digest);
      }
    }
    return false;
  }

  #request(): DeepPartial<StreamSamplesRequest> {
    const { batchSize = 0, compression, cache } = this.#options;
    const resume = this.#resume && { ...this.#resume, nextIndex: BigInt(this.#position.received) };
    const share = this.#position.callShare;
    return {
      ...this.#target,
      batchSize,
      ...(resume && { resume }),
      ...(share && { share }),
      ...(compression === "zstd" && { compression: Compression.COMPRESSION_ZSTD }),
      ...(cache && { delivery: Delivery.DELIVERY_REFERENCES }),
    };
  }

  #accept(header: Header): void {
    const point = header.resume;
    if (point === undefined) throw new TruncatedStreamError("The stream's header has no resume point.");
    if (this.#resume !== undefined && this.#resume.plan !== point.plan) {
      throw new StateError(`The stream goes on in plan ${point.plan}, but began in plan ${this.#resume.plan}.`);
    }
    const { received } = this.#position;
    if (point.nextIndex !== BigInt(received)) {
      throw new TruncatedStreamError(`The stream begins at index ${point.nextIndex}, not at ${received}.`);
    }
    this.#header = header;
    this.#resume = point;
    this.#position.accept(header);
  }

  /** Throws where it is not what is due. */
  #take(content: BatchContent): BatchContent {
    this.#position.take(content.indexRuns);
    const count = content.indexRuns.reduce((sum, run) => sum + run.count, 0);
    if (content.ids.length !== count || ![0, count].includes(content.weightsMicros.length)) {
      throw new TruncatedStreamError(
        `A batch of ${count} samples has ${content.ids.length} ids and ${content.weightsMicros.length} weights.`,
      );
    }
    this.#callSamples += count;
    return content;
  }

  #resolve(batch: Parameters<typeof resolveReferences>[0]): Promise<BatchContent> {
    const { cache } = this.#options;
    if (cache === undefined) throw new TruncatedStreamError("The stream refers to blocks, but lines were asked for.");
    this.#blocks ??= this.#openBlocks();
    const blocks = this.#blocks;
    return resolveReferences(batch, cache, (digest) => blocks.read(digest));
  }

  #openBlocks(): BlockReader {
    const sources = this.#header?.plan?.sources.map(({ snapshot }) => snapshot) ?? [];
    const snapshots = sources.length > 0 ? sources : [this.#header?.snapshot ?? ""];
    return new BlockReader(this.#calls.openBlocks, snapshots, {
      signal: this.#signal,
      reconnectSeconds: this.#options.reconnectSeconds ?? reconnectSeconds,
    });
  }

  #end(footer: Footer, digest: Hash): boolean {
    this.#position.finish(Number(footer.nextIndex));
    if (footer.sampleCount !== BigInt(this.#callSamples)) {
      throw new TruncatedStreamError(`${footer.sampleCount} samples were sent, ${this.#callSamples} came.`);
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
