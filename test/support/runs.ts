import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExportContext } from "../../services/export/context.ts";
import { normalisePlan } from "../../services/export/plan/plan-spec.ts";
import type { OpenRun } from "../../services/export/runs/create-run.ts";
import { BlockFiles } from "../../services/export/snapshot/blocks/block-files.ts";
import { SnapshotRemover } from "../../services/export/snapshot/remove-snapshot.ts";
import { sweep } from "../../services/export/snapshot/sweeper.ts";
import { openStore, type StoreConfig } from "../../services/store/open-store.ts";
import type { Clock, Store } from "../../services/store/store.ts";
import { openTestContext, type TestContext } from "./export-context.ts";
import { specSource } from "./samples.ts";
import { configOf } from "./stores.ts";

/** What the runs of tests read. */
export const runSource = specSource({ collection: "docs", format: "text" });

/** A request of OpenRun as its command takes it. */
export function runRequest(run: string, changes: Partial<OpenRun> = {}): OpenRun {
  const given = { source: runSource, adaptiveSampling: undefined, environment: undefined };
  return { run, plan: normalisePlan(undefined), lease: "holder", leaseSeconds: 60, ...given, ...changes };
}

/** A server of one store of a kind without the server, that can be opened again, under a clock of the test. */
export class RunsPlace implements AsyncDisposable {
  now: bigint = BigInt(Date.now()) * 1000n;
  readonly #clock: Clock = { now: () => this.now };
  readonly #config: StoreConfig;
  readonly #folder: string;
  #store: Store | undefined;
  #opened: TestContext | undefined;

  private constructor(folder: string, config: StoreConfig) {
    this.#folder = folder;
    this.#config = config;
  }

  static async open(kind: StoreConfig["kind"]): Promise<RunsPlace> {
    const folder = await mkdtemp(join(tmpdir(), "loraloop-runs-"));
    const place = new RunsPlace(folder, configOf(kind, folder));
    await place.#open();
    return place;
  }

  get context(): ExportContext {
    if (this.#opened === undefined) throw new Error("It is closed.");
    return this.#opened.context;
  }

  get store(): Store {
    return this.context.store;
  }

  passSeconds(seconds: number): void {
    this.now += BigInt(seconds) * 1_000_000n;
  }

  /** As after a restart. A store in memory stays open. */
  async reopen(): Promise<void> {
    await this.#opened?.[Symbol.asyncDispose]();
    if (this.#config.kind !== "memory") await this.#close();
    await this.#open();
  }

  /** What the server does now and then: removes snapshots past their life. */
  async sweep(): Promise<void> {
    const { store, clock, log, snapshots } = this.context;
    const { builds, tables, uses } = snapshots;
    const files = new BlockFiles(this.#folder, store, snapshots.openFiles, false);
    const remover = new SnapshotRemover({ store, files, tables, builds });
    const parts = { store, clock, log, files, builds, uses, remover, tenants: async () => [1] };
    await sweep(parts, new AbortController().signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened?.[Symbol.asyncDispose]();
    await this.#close();
    await rm(this.#folder, { recursive: true });
  }

  async #open(): Promise<void> {
    this.#store ??= await openStore(this.#config, this.#clock);
    this.#opened = await openTestContext({ store: this.#store, dataDirectory: this.#folder, clock: this.#clock });
  }

  async #close(): Promise<void> {
    await this.#store?.close();
    this.#store = undefined;
  }
}
