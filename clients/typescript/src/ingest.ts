import { createHash } from "node:crypto";
import type {
  DeepPartial,
  IngestRecordsRequest,
  IngestRecordsResponse,
} from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import type { RecordError } from "../../../proto/gen/loraloop/corpus/v1/record.ts";
import { type Chunk, chunkDigest, chunksOf, type IngestError, type RecordInput } from "./chunks.ts";
import { ConnectionError } from "./errors.ts";
import { Backoff } from "./retry.ts";

export interface IngestOptions {
  /** Names the ingest. The same id goes on after the last acknowledged chunk, provided that `records` begins anew with the same records. Random by default. */
  readonly ingestId?: string;
  readonly signal?: AbortSignal;
  /** How long to reconnect without progress; 300 by default. */
  readonly reconnectSeconds?: number;
  /** Called after each acknowledged chunk, also for those that an earlier run had sent (`resumed`). */
  readonly onProgress?: (progress: IngestProgress) => void;
}

export interface IngestProgress {
  /** Records acknowledged or skipped so far. */
  readonly recordCount: number;
  readonly resumed: boolean;
  /** Records of this chunk that were not kept; `index` counts from the first record of the ingest. */
  readonly errors: readonly IngestError[];
}

export interface IngestResult {
  readonly ingestId: string;
  /** Of the whole ingest, bad ones included. */
  readonly recordCount: number;
  readonly keptCount: number;
  readonly revision: bigint;
}

export type OpenIngest = (
  requests: AsyncIterable<DeepPartial<IngestRecordsRequest>>,
  options: { signal?: AbortSignal },
) => AsyncIterable<IngestRecordsResponse>;

/** Chunks on the way; kept until acknowledged, to be sent again over a new connection. */
const windowChunks = 4;

/** Writes records over one ingest, reconnecting as often as it takes; `records` is read once and never held whole. */
export async function ingest(
  open: OpenIngest,
  collection: string,
  records: Iterable<RecordInput> | AsyncIterable<RecordInput>,
  options: IngestOptions = {},
): Promise<IngestResult> {
  const sender = new IngestSender(collection, records, options);
  const backoff = new Backoff(options.reconnectSeconds ?? 300, options.signal);
  try {
    while (true) {
      try {
        return await sender.run(open, backoff);
      } catch (error) {
        await backoff.wait(error);
      }
    }
  } finally {
    await sender.close();
  }
}

class IngestSender {
  readonly #collection: string;
  readonly #ingestId: string;
  readonly #chunks: AsyncGenerator<Chunk>;
  readonly #options: IngestOptions;
  readonly #digest = createHash("sha256");
  /** Read, not acknowledged. */
  #window: Chunk[] = [];
  #read = { chunks: 0, records: 0, done: false };
  /** Acknowledged, or refused before they were sent. */
  #doneRecords = 0;
  #refusedRecords = 0;

  constructor(collection: string, records: Iterable<RecordInput> | AsyncIterable<RecordInput>, options: IngestOptions) {
    this.#collection = collection;
    this.#ingestId = options.ingestId ?? crypto.randomUUID();
    this.#chunks = chunksOf(records, (error) => this.#refuse(error));
    this.#options = options;
  }

  /** One connection. */
  async run(open: OpenIngest, backoff: Backoff): Promise<IngestResult> {
    const gate = new Gate();
    const { signal } = this.#options;
    try {
      for await (const { message } of open(this.#requests(gate), signal ? { signal } : {})) {
        backoff.progress();
        if (message?.$case === "started") gate.open(Number(message.value.nextChunk));
        if (message?.$case === "acknowledged")
          this.#acknowledge(Number(message.value.chunk), message.value.errors, gate);
        if (message?.$case === "committed") {
          const { recordCount, keptCount, revision } = message.value;
          const all = Number(recordCount) + this.#refusedRecords;
          return { ingestId: this.#ingestId, recordCount: all, keptCount: Number(keptCount), revision };
        }
      }
    } finally {
      gate.close();
    }
    throw new ConnectionError("The server ended the ingest early.");
  }

  async close(): Promise<void> {
    await this.#chunks.return(undefined);
  }

  async *#requests(gate: Gate): AsyncGenerator<DeepPartial<IngestRecordsRequest>> {
    yield { message: { $case: "start", value: { collection: this.#collection, ingestId: this.#ingestId } } };
    const acknowledged = await gate.opened();
    for (let number = acknowledged; ; number += 1) {
      const chunk = await this.#chunk(number, acknowledged);
      if (chunk === undefined) break;
      yield chunkMessage(chunk);
      await gate.until(() => this.#window.length < windowChunks);
    }
    const digest = this.#digest.copy().digest();
    yield {
      message: {
        $case: "commit",
        value: { chunkCount: BigInt(this.#read.chunks), recordCount: BigInt(this.#read.records), digest },
      },
    };
  }

  /** The chunk of that number, read where it has not been; undefined after the last. A read that an earlier connection began ends up in the window too. */
  async #chunk(number: number, acknowledged: number): Promise<Chunk | undefined> {
    while (true) {
      this.#skip(acknowledged);
      const chunk = this.#window.find((candidate) => candidate.number === number);
      if (chunk !== undefined || this.#read.done) return chunk;
      await this.#readChunk();
    }
  }

  async #readChunk(): Promise<void> {
    const { value, done } = await this.#chunks.next();
    if (done === true) {
      this.#read.done = true;
      return;
    }
    this.#digest.update(chunkDigest(value.records));
    this.#read.chunks += 1;
    this.#read.records += value.records.length;
    this.#window.push(value);
  }

  /** Chunks below `next` are on disk: from an earlier run, or their acknowledgement was lost. */
  #skip(next: number): void {
    for (const chunk of this.#window.filter(({ number }) => number < next)) this.#finish(chunk, [], true);
  }

  #acknowledge(number: number, errors: readonly RecordError[], gate: Gate): void {
    const chunk = this.#window.find((candidate) => candidate.number === number);
    if (chunk !== undefined) this.#finish(chunk, errors, false);
    gate.changed();
  }

  #finish(chunk: Chunk, errors: readonly RecordError[], resumed: boolean): void {
    this.#window = this.#window.filter((other) => other !== chunk);
    this.#report(
      chunk.records.length,
      resumed,
      errors.map((error) => ({ ...error, index: chunk.firstRecord + error.index })),
    );
  }

  #refuse(error: IngestError): void {
    this.#refusedRecords += 1;
    this.#report(1, false, [error]);
  }

  #report(records: number, resumed: boolean, errors: readonly IngestError[]): void {
    this.#doneRecords += records;
    this.#options.onProgress?.({ recordCount: this.#doneRecords, resumed, errors });
  }
}

/** Lets the sending half wait for the receiving half. */
class Gate {
  #nextChunk = Promise.withResolvers<number>();
  #change = Promise.withResolvers<void>();

  constructor() {
    this.#nextChunk.promise.catch(() => undefined);
  }

  open(nextChunk: number): void {
    this.#nextChunk.resolve(nextChunk);
  }

  opened(): Promise<number> {
    return this.#nextChunk.promise;
  }

  changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#change.promise;
  }

  /** Ends whoever waits: the connection is gone. */
  close(): void {
    const gone = new ConnectionError("The connection is gone.");
    this.#nextChunk.reject(gone);
    this.#change.promise.catch(() => undefined);
    this.#change.reject(gone);
  }
}

function chunkMessage(chunk: Chunk): DeepPartial<IngestRecordsRequest> {
  return { message: { $case: "chunk", value: { number: BigInt(chunk.number), records: [...chunk.records] } } };
}
