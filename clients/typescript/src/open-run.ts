import type { Client as ServiceClient } from "nice-grpc";
import type { DeepPartial, Plan } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type {
  Run,
  RunPosition,
  RunResult,
  RunServiceDefinition,
} from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { LoraloopError, RpcError } from "./errors.ts";
import { untilAnswered } from "./retry.ts";

/** What a saved checkpoint has consumed. */
export interface ConsumedPosition {
  readonly epoch: number;
  /** `next_index` of the state that was saved. */
  readonly nextIndex: number;
  /** Optimizer steps so far. */
  readonly step: number;
}

export interface Progress {
  /** Left out for metrics alone. */
  readonly consumed?: ConsumedPosition;
  /** Optimizer step of the metrics; that of `consumed` by default. */
  readonly step?: number;
  /** At most 64, finite. `loss` is kept as a course. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** Losses in one call. */
const callLosses = 65_536;

export interface OpenRunSettings {
  /** That of the process that opened it; the one that holds it when the first thing is said, by default. */
  readonly lease?: string;
  /** Renews the lease three times in so many seconds; not at all by default. */
  readonly leaseSeconds?: number;
  readonly reconnectSeconds: number;
}

/**
 * A run that is open. Disposing of it leaves it so: it counts as lost when the lease ends, and may be opened again.
 * Everything it says is idempotent, and said again while the server is away. A run that another process has opened since refuses
 * what this one says (RUN_CONFLICT).
 */
export class OpenRun implements AsyncDisposable {
  readonly id: string;
  readonly #service: ServiceClient<typeof RunServiceDefinition>;
  readonly #settings: OpenRunSettings;
  readonly #heartbeat: NodeJS.Timeout | undefined;
  readonly #controller = new AbortController();
  #lease: Promise<string> | undefined;

  constructor(service: ServiceClient<typeof RunServiceDefinition>, id: string, settings: OpenRunSettings) {
    this.id = id;
    this.#service = service;
    this.#settings = settings;
    if (settings.lease !== undefined) this.#lease = Promise.resolve(settings.lease);
    if (settings.leaseSeconds === undefined) return;
    this.#heartbeat = setInterval(() => void this.#renew(), (settings.leaseSeconds * 1000) / 3);
    // A training that has ended must not wait for it.
    this.#heartbeat.unref();
  }

  /** Aborted, with the error, when the server refuses to renew the lease, e.g. since somebody closed the run or opened it again. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** As the server knows it now. */
  async get(): Promise<Run> {
    return known(await this.#answer(() => this.#service.getRun({ run: this.id })));
  }

  /** Says what a saved checkpoint has consumed, and metrics. */
  async reportProgress({ consumed, step, metrics }: Progress): Promise<void> {
    const position = consumed && { consumed: toPosition(consumed) };
    const said = { step: BigInt(step ?? consumed?.step ?? 0), metrics: metrics ?? {}, ...position };
    await this.#say((lease) => this.#service.reportProgress({ run: this.id, lease, ...said }));
  }

  /** Keeps losses of samples by their index in the epoch's plan; the last one said counts. */
  async reportLosses(epoch: number, indices: readonly number[], losses: readonly number[]): Promise<void> {
    if (indices.length !== losses.length) {
      throw new LoraloopError(`${indices.length} indices came with ${losses.length} losses.`);
    }
    for (let first = 0; first < indices.length; first += callLosses) {
      const part = {
        indices: indices.slice(first, first + callLosses).map(BigInt),
        losses: losses.slice(first, first + callLosses),
      };
      await this.#say((lease) => this.#service.reportLosses({ run: this.id, lease, epoch, ...part }));
    }
  }

  /** Ends an epoch and gives the plan of the next. Closing it again gives the same plan. */
  async closeEpoch(epoch: number): Promise<Plan> {
    const { plan } = await this.#say((lease) => this.#service.closeEpoch({ run: this.id, lease, epoch }));
    if (plan === undefined) throw new LoraloopError("The server gave no plan.");
    return plan;
  }

  /** Ends the run with a result, success by default. A repetition with the same result is not refused. */
  async close(result: DeepPartial<RunResult> = {}): Promise<Run> {
    const request = { run: this.id, result: { succeeded: true, ...result } };
    const closed = await this.#say((lease) => this.#service.closeRun({ ...request, lease }));
    clearInterval(this.#heartbeat);
    return known(closed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heartbeat);
  }

  #answer<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    return untilAnswered(this.#settings.reconnectSeconds, call);
  }

  async #say<Answer>(call: (lease: string) => Promise<Answer>): Promise<Answer> {
    const lease = await this.#holder();
    return this.#answer(() => call(lease));
  }

  /** Asked for once: whoever opens the run later is another holder. */
  #holder(): Promise<string> {
    const found = this.#lease ?? this.get().then(({ lease }) => lease);
    this.#lease = found;
    found.catch(() => {
      this.#lease = undefined;
    });
    return found;
  }

  async #renew(): Promise<void> {
    try {
      await this.#service.renewRun({ run: this.id, lease: await this.#holder() });
    } catch (error) {
      if (isPassing(error)) return;
      clearInterval(this.#heartbeat);
      this.#controller.abort(error);
    }
  }
}

export function known({ run }: { run?: Run | undefined }): Run {
  if (run === undefined) throw new LoraloopError("The server gave no run.");
  return run;
}

function toPosition({ epoch, nextIndex, step }: ConsumedPosition): DeepPartial<RunPosition> {
  return { epoch, nextIndex: BigInt(nextIndex), step: BigInt(step) };
}

/** The next heartbeat may succeed. */
function isPassing(error: unknown): boolean {
  return error instanceof RpcError && error.retryable;
}
