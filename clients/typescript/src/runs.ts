import type { Client as ServiceClient } from "nice-grpc";
import type { DeepPartial } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import {
  type AdaptiveSampling,
  type Environment,
  type ListRunsResponse,
  type Run,
  Run_State,
  type RunServiceDefinition,
} from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { ConnectionError } from "./errors.ts";
import { known, OpenRun } from "./open-run.ts";
import { type PlanOptions, toPlanTarget } from "./plan.ts";
import { Backoff, untilAnswered } from "./retry.ts";
import type { Source } from "./source.ts";

/** What a run reads, and where and with what it runs. `epoch` must be 0. */
export interface OpenRunOptions extends PlanOptions {
  /** Id: goes on with the run where it exists. A new one by default. */
  readonly run?: string;
  /** Makes each epoch's copies from the losses of the one before; by default all epochs are alike. */
  readonly adaptiveSampling?: DeepPartial<AdaptiveSampling>;
  /** The version of Node comes by itself. */
  readonly environment?: DeepPartial<Environment>;
  /** The lease without renewal, 10 to 86,400; 120 by default. It is renewed three times in that time while this process lives. */
  readonly leaseSeconds?: number;
  /** How long to say things again while the server is away; 300 by default. */
  readonly reconnectSeconds?: number;
}

export interface WatchOptions {
  readonly signal?: AbortSignal;
  /** How long to reconnect without progress; 300 by default. */
  readonly reconnectSeconds?: number;
}

export interface SampleLoss {
  /** In the epoch's plan. */
  readonly index: number;
  readonly loss: number;
}

const ended: readonly Run_State[] = [Run_State.STATE_SUCCEEDED, Run_State.STATE_FAILED];
const defaultLeaseSeconds = 120;
const defaultReconnectSeconds = 300;

/** Trainings: what they read, where they are, how it went. */
export class Runs {
  readonly #service: ServiceClient<typeof RunServiceDefinition>;

  constructor(service: ServiceClient<typeof RunServiceDefinition>) {
    this.#service = service;
  }

  /** Opens a run, or takes one that is there under this id from whoever held it, and renews its lease until it is closed or disposed of. Waits for its snapshots. @param source none where the plan has a mixture */
  async open(source: Source | undefined, options: OpenRunOptions = {}): Promise<OpenRun> {
    const { run = crypto.randomUUID(), adaptiveSampling, environment, leaseSeconds = defaultLeaseSeconds } = options;
    const { reconnectSeconds = defaultReconnectSeconds } = options;
    const packageVersions = { node: process.versions.node, ...environment?.packageVersions };
    const lease = crypto.randomUUID();
    const request = {
      ...toPlanTarget(source, options),
      ...{ run, lease, leaseSeconds, environment: { ...environment, packageVersions } },
      ...(adaptiveSampling && { adaptiveSampling }),
    };
    await untilAnswered(reconnectSeconds, () => this.#service.openRun(request));
    return new OpenRun(this.#service, run, { lease, leaseSeconds, reconnectSeconds });
  }

  /** A run that another process has opened and renews: for the other ranks. Says nothing to the server yet; from the first thing on it says all as the holder of that time. */
  attach(run: string, options: Pick<OpenRunOptions, "reconnectSeconds"> = {}): OpenRun {
    return new OpenRun(this.#service, run, { reconnectSeconds: options.reconnectSeconds ?? defaultReconnectSeconds });
  }

  async get(run: string): Promise<Run> {
    return known(await this.#service.getRun({ run }));
  }

  /** All runs, newest first, page by page; without `lossPoints`, and of `epochs` at most that of `consumed`. */
  async *list(): AsyncGenerator<Run> {
    let page: ListRunsResponse | undefined;
    while (page === undefined || page.nextPageToken !== "") {
      page = await this.#service.listRuns({ pageToken: page?.nextPageToken ?? "" });
      yield* page.runs;
    }
  }

  /** Losses of an epoch by index, page by page. */
  async *losses(run: string, epoch: number): AsyncGenerator<SampleLoss> {
    let pageToken = "";
    do {
      const page = await this.#service.listLosses({ run, epoch, pageToken, pageSize: 65_536 });
      for (const [place, index] of page.indices.entries())
        yield { index: Number(index), loss: page.losses[place] as number };
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** The run now and after every change, until it is closed, whatever happens to the connection. */
  async *watch(run: string, options: WatchOptions = {}): AsyncGenerator<Run> {
    const { signal } = options;
    const backoff = new Backoff(options.reconnectSeconds ?? defaultReconnectSeconds, signal);
    while (true) {
      try {
        for await (const { run: state } of this.#service.watchRun({ run }, signal ? { signal } : {})) {
          if (state === undefined) continue;
          backoff.progress();
          yield state;
          if (ended.includes(state.state)) return;
        }
        throw new ConnectionError("The server ended the watch early.");
      } catch (error) {
        await backoff.wait(error);
      }
    }
  }
}
