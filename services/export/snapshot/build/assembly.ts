import { fromThreadError } from "../../../kit/thread-error.ts";
import type { Store } from "../../../store/store.ts";
import { recordKey } from "../../keys.ts";
import type { Page } from "../blocks/page.ts";
import type { BuiltBlock } from "./block-builder.ts";
import type { AssembleJob, BuildReply } from "./build-messages.ts";
import type { BuildThread } from "./build-threads.ts";
import { type Chunk, transfersOf } from "./chunk.ts";
import type { RenderJob } from "./render-messages.ts";
import type { RenderClient, RenderPool } from "./render-pool.ts";

/** Records of the first chunk: few, so that the first page comes soon. */
const FIRST_CHUNK_RECORDS = 64;
const CHUNK_RECORDS = 500;
/** Blocks that may wait for their commit before the scan waits too. */
const MAX_UNCOMMITTED_BLOCKS = 3;

export interface AssemblyListener {
  restored(sampleCount: number, blockCount: number): void;
  /** New pages of the block that begins at this sample. */
  pages(firstSample: number, pages: readonly Page[]): void;
  /** The block's bytes are on disk under its building name. Blocks come one at a time. */
  block(block: BuiltBlock): Promise<void>;
  /** Encoded Statistics so far. */
  statistics(statistics: Uint8Array): void;
}

export interface Assembled {
  readonly digest: Uint8Array;
  /** Encoded Statistics. */
  readonly statistics: Uint8Array;
}

let builds = 0;

/** Drives render threads and a build thread through one snapshot, with a bounded number of chunks between them. */
export class Assembly implements RenderClient {
  readonly build: number = ++builds;
  readonly job: RenderJob;
  readonly #pool: RenderPool;
  readonly #assemble: AssembleJob;
  readonly #listener: AssemblyListener;
  readonly #done = Promise.withResolvers<Assembled>();
  /** While it runs. */
  #thread: BuildThread | undefined;
  #blocks: Promise<void> = Promise.resolve();
  #uncommitted = 0;
  #chunks = 0;
  #inFlight = 0;
  /** Number of the chunk that is taken now. */
  #taken = 0;
  /** A part of it was taken, and its thread waits for leave to go on. */
  #paused = false;
  /** First key of the next chunk, once it is known. */
  #start: Uint8Array | undefined;

  constructor(pool: RenderPool, job: RenderJob, assemble: AssembleJob, listener: AssemblyListener) {
    this.#pool = pool;
    this.job = job;
    this.#assemble = assemble;
    this.#listener = listener;
    this.#done.promise.catch(() => undefined);
  }

  /** Resolves when everything is assembled and every block handled; the thread has let go of it then, also on failure. */
  async run(thread: BuildThread, store: Store): Promise<Assembled> {
    this.#thread = thread;
    thread.listen({ reply: (reply) => this.#receive(reply), lost: (error) => this.stop(error) });
    thread.post({ kind: "start", job: this.#assemble, store: store.share() });
    try {
      return await this.#done.promise;
    } finally {
      // The thread is another build's soon: what still comes from the render threads must not reach it.
      this.#thread = undefined;
      this.#pool.forget(this.build);
      await letGo(thread);
      await this.#blocks.catch(() => undefined);
    }
  }

  /** Ends it with this error. */
  stop(error: Error): void {
    this.#done.reject(error);
  }

  scanned(next: Uint8Array | undefined): void {
    this.#start = next;
    this.#scan();
  }

  rendered(chunk: Chunk): void {
    this.#thread?.post({ kind: "chunk", chunk }, transfersOf(chunk));
  }

  failed(error: Error): void {
    this.stop(error);
  }

  /** Reads on, where the next chunk is known and there is room for it. */
  #scan(): void {
    if (this.#thread === undefined || this.#uncommitted >= MAX_UNCOMMITTED_BLOCKS) return;
    if (this.#paused) this.#pool.resume(this.build, this.#taken);
    this.#paused = false;
    const start = this.#start;
    if (start === undefined || this.#inFlight >= this.#pool.maximum + 2) return;
    this.#start = undefined;
    this.#inFlight += 1;
    const number = this.#chunks++;
    this.#pool.scan(this, { number, start, limit: number === 0 ? FIRST_CHUNK_RECORDS : CHUNK_RECORDS });
  }

  #receive(reply: BuildReply): void {
    switch (reply.kind) {
      case "restored":
        this.#listener.restored(reply.sampleCount, reply.blockCount);
        this.scanned(recordKey(this.job.collection, reply.nextId));
        break;
      case "pages":
        this.#listener.pages(reply.block, reply.pages);
        break;
      case "block":
        this.#handleBlock(reply.block);
        break;
      case "consumed":
        this.#consumed(reply.complete);
        if (reply.statistics !== undefined) this.#listener.statistics(reply.statistics);
        this.#scan();
        break;
      case "finished":
        this.#blocks.then(
          () => this.#done.resolve(reply),
          () => undefined,
        );
        break;
      case "failed":
        this.stop(fromThreadError(reply.error));
        break;
      case "stopped":
        break;
      default:
        reply satisfies never;
    }
  }

  #consumed(complete: boolean): void {
    this.#paused = !complete;
    if (!complete) return;
    this.#inFlight -= 1;
    this.#taken += 1;
  }

  #handleBlock(block: BuiltBlock): void {
    this.#uncommitted += 1;
    this.#blocks = this.#blocks.then(async () => {
      await this.#listener.block(block);
      this.#uncommitted -= 1;
      this.#scan();
    });
    this.#blocks.catch((error: Error) => this.stop(error));
  }
}

/** Waits until the thread has closed its files and forgotten its tables. */
function letGo(thread: BuildThread): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  thread.listen({
    reply: ({ kind }) => {
      if (kind === "stopped") resolve();
    },
    lost: () => resolve(),
  });
  if (thread.ended) resolve();
  else thread.post({ kind: "stop" });
  return promise;
}
