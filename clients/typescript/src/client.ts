import type { ClientMiddleware, Client as ServiceClient } from "nice-grpc";
import { type Channel, createClientFactory, Metadata, Status, waitForChannelReady } from "nice-grpc";
import { retryMiddleware } from "nice-grpc-client-middleware-retry";
import { errorDetailsClientMiddleware } from "nice-grpc-error-details";
import { TokenServiceDefinition } from "../../../proto/gen/loraloop/auth/v1/token_service.ts";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import {
  type DeepPartial,
  ExportServiceDefinition,
  type SampleSource,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Snapshot } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { RecordInput } from "./chunks.ts";
import { type ConnectionOptions, findServer, openChannel } from "./connection.ts";
import { ConnectionError, LoraloopError, toLoraloopError } from "./errors.ts";
import { type IngestOptions, type IngestResult, ingest } from "./ingest.ts";
import { SampleStream, type StreamOptions } from "./sample-stream.ts";

/** Throws LoraloopErrors instead of gRPC's. */
const errorMiddleware: ClientMiddleware = async function* (call, options) {
  try {
    return yield* call.next(call.request, options);
  } catch (error) {
    throw toLoraloopError(error);
  }
};

/** What to stream: a dataset's name (`name` or `name@3`), one of its splits, a snapshot, or any source of the proto. */
export type Source =
  | string
  | { readonly dataset: string; readonly split?: string }
  | { readonly snapshot: string }
  | DeepPartial<SampleSource>;

function toSource(source: Source): DeepPartial<SampleSource> {
  if (typeof source === "string") return { source: { $case: "dataset", value: source } };
  if ("dataset" in source) return { source: { $case: "dataset", value: source.dataset }, split: source.split ?? "" };
  if ("snapshot" in source) return { source: { $case: "snapshot", value: source.snapshot } };
  return source;
}

/** A connection to a loraloop server. `corpus`, `export` and `tokens` are the services as their protos say; idempotent unary calls are retried while the server is away. */
export class Client implements AsyncDisposable {
  readonly address: string;
  readonly corpus: ServiceClient<typeof CorpusServiceDefinition>;
  readonly export: ServiceClient<typeof ExportServiceDefinition>;
  readonly tokens: ServiceClient<typeof TokenServiceDefinition>;
  readonly #channel: Channel;

  /** Connects with the first call. Throws ConnectionError where no token is found. */
  constructor(options: ConnectionOptions = {}) {
    const { address, token } = findServer(options);
    this.address = address;
    this.#channel = openChannel(address, options.tls);
    // What is used last sees an error last.
    const factory = createClientFactory().use(errorDetailsClientMiddleware).use(retryMiddleware).use(errorMiddleware);
    const defaults = {
      "*": {
        metadata: Metadata({ authorization: `Bearer ${token}` }),
        retryableStatuses: [Status.UNAVAILABLE],
        retryMaxAttempts: 5,
        retryBaseDelayMs: 100,
      },
    };
    this.corpus = factory.create(CorpusServiceDefinition, this.#channel, defaults);
    this.export = factory.create(ExportServiceDefinition, this.#channel, defaults);
    this.tokens = factory.create(TokenServiceDefinition, this.#channel, defaults);
  }

  /** Waits until the server can be reached. Throws ConnectionError after `seconds` (30). */
  async connect(seconds = 30): Promise<void> {
    try {
      await waitForChannelReady(this.#channel, new Date(Date.now() + seconds * 1000));
    } catch (error) {
      throw new ConnectionError(`The server at ${this.address} cannot be reached.`, { cause: error });
    }
  }

  /** Writes any number of records; resolves when all are on disk. Bad records come to `onProgress`, the rest goes on. */
  ingest(
    collection: string,
    records: Iterable<RecordInput> | AsyncIterable<RecordInput>,
    options: IngestOptions = {},
  ): Promise<IngestResult> {
    return ingest((requests, call) => this.corpus.ingestRecords(requests, call), collection, records, options);
  }

  /** Opens a stream of samples with the first iteration. */
  stream(source: Source, options: StreamOptions = {}): SampleStream {
    return new SampleStream((request, call) => this.export.streamSamples(request, call), toSource(source), options);
  }

  /** Builds a snapshot and waits until it is sealed. */
  async buildSnapshot(
    source: Source,
    options: {
      readonly ttlSeconds?: number;
      readonly signal?: AbortSignal;
      readonly onProgress?: (snapshot: Snapshot) => void;
    } = {},
  ): Promise<Snapshot> {
    const call = options.signal ? { signal: options.signal } : {};
    const ttl = options.ttlSeconds === undefined ? {} : { ttlSeconds: options.ttlSeconds };
    let { snapshot } = await this.export.buildSnapshot({ source: toSource(source), ...ttl }, call);
    for await (const update of this.export.watchSnapshot({ snapshot: snapshot?.key ?? "" }, call)) {
      snapshot = update.snapshot;
      if (snapshot !== undefined) options.onProgress?.(snapshot);
    }
    if (snapshot?.digest.length) return snapshot;
    throw new LoraloopError(`The build failed: ${snapshot?.failure ?? "no answer"}`);
  }

  /** Ends every call. Idempotent. */
  close(): void {
    this.#channel.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
