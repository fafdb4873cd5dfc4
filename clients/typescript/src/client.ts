import type { Client as ServiceClient } from "nice-grpc";
import { TokenServiceDefinition } from "../../../proto/gen/loraloop/auth/v1/token_service.ts";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import {
  type ExplainPlanResponse,
  ExportServiceDefinition,
  type GetPlanResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { RunServiceDefinition } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { Snapshot } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { RecordInput } from "./chunks.ts";
import { type ConnectionOptions, findRegistry, findServer } from "./connection.ts";
import { LoraloopError } from "./errors.ts";
import { type IngestOptions, type IngestResult, ingest } from "./ingest.ts";
import { Link } from "./link.ts";
import {
  type PlanHash,
  type PlanOptions,
  type PlanPlace,
  type PlanSteps,
  toPlanRequest,
  toPlanTarget,
  toSteps,
} from "./plan.ts";
import { Registry } from "./registry/registry.ts";
import { Runs } from "./runs.ts";
import { type CallOptions, SampleStream, type StreamCalls } from "./sample-stream.ts";
import { type RunSource, type Source, toSource } from "./source.ts";
import { type TrainerOptions, TrainerStream } from "./trainer-stream.ts";

/** How to read a stream, and in which order: that of the snapshot without a plan. Of a run's plan, the epoch alone counts. */
export interface StreamOptions extends CallOptions {
  readonly plan?: PlanOptions;
}

/** A connection to a loraloop server. `corpus`, `export` and `tokens` are the services as their protos say; idempotent unary calls are retried while the server is away. `registry` may be another server. */
export class Client implements AsyncDisposable {
  readonly address: string;
  readonly corpus: ServiceClient<typeof CorpusServiceDefinition>;
  readonly export: ServiceClient<typeof ExportServiceDefinition>;
  readonly tokens: ServiceClient<typeof TokenServiceDefinition>;
  readonly runs: Runs;
  readonly registry: Registry;
  readonly #link: Link;
  readonly #registryLink: Link;

  /** Connects with the first call. Throws ConnectionError where no token is found. */
  constructor(options: ConnectionOptions = {}) {
    const server = findServer(options);
    this.address = server.address;
    this.#link = new Link(server, options);
    this.corpus = this.#link.open(CorpusServiceDefinition);
    this.export = this.#link.open(ExportServiceDefinition);
    this.tokens = this.#link.open(TokenServiceDefinition);
    this.runs = new Runs(this.#link.open(RunServiceDefinition));
    this.#registryLink = new Link(findRegistry(options, server), options);
    this.registry = new Registry(this.#registryLink);
  }

  /** Waits until the server can be reached. Throws ConnectionError after `seconds` (30). */
  connect(seconds = 30): Promise<void> {
    return this.#link.connect(seconds);
  }

  /** Writes any number of records; resolves when all are on disk. Bad records come to `onProgress`, the rest goes on. */
  ingest(
    collection: string,
    records: Iterable<RecordInput> | AsyncIterable<RecordInput>,
    options: IngestOptions = {},
  ): Promise<IngestResult> {
    return ingest((requests, call) => this.corpus.ingestRecords(requests, call), collection, records, options);
  }

  /** Opens a stream of samples with the first iteration. @param source none where the plan has a mixture */
  stream(source: Source | RunSource | undefined, { plan, ...options }: StreamOptions = {}): SampleStream {
    return new SampleStream(this.#streamCalls(), toPlanTarget(source, plan), options);
  }

  /**
   * Batches of one rank, epoch by epoch: what a training loop reads. One of several ranks or workers must name snapshots, revisions or a run, or load a state:
   * a dataset is looked up when a loop begins, and its records may have changed. @param source none where the plan has a mixture
   */
  trainer(source: Source | RunSource | undefined, options: TrainerOptions = {}): TrainerStream {
    return new TrainerStream(
      { ...this.#streamCalls(), getPlan: (request) => this.export.getPlan(request) },
      source,
      options,
    );
  }

  /** The plan that a stream would follow, and the optimizer steps of so many epochs (1) with so many global batches each (1). Waits for its snapshots. */
  getPlan(
    source: Source | RunSource | PlanHash | undefined,
    options: PlanOptions & PlanSteps = {},
  ): Promise<GetPlanResponse> {
    return this.export.getPlan({ ...toPlanRequest(source, options), ...toSteps(options) });
  }

  /** Which samples are at some indices of a plan, and why. */
  explainPlan(
    source: Source | RunSource | PlanHash | undefined,
    { firstIndex = 0, count = 10, worldSize = 1, ...plan }: PlanOptions & PlanPlace = {},
  ): Promise<ExplainPlanResponse> {
    const firstAsked = BigInt(firstIndex);
    return this.export.explainPlan({ ...toPlanRequest(source, plan), firstIndex: firstAsked, count, worldSize });
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

  #streamCalls(): StreamCalls {
    return {
      open: (request, call) => this.export.streamSamples(request, call),
      openBlocks: (request, call) => this.export.readBlocks(request, call),
    };
  }

  /** Ends every call. Idempotent. */
  close(): void {
    this.#link.close();
    this.#registryLink.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
