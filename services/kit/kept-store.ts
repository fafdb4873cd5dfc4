import { join } from "node:path";
import type { Meter } from "@opentelemetry/api";
import type { Logger } from "pino";
import { runCompactor } from "../store/compactor.ts";
import { openStore, type StoreConfig } from "../store/open-store.ts";
import type { Clock, Store, TenantId } from "../store/store.ts";
import { CommitWatch } from "./commit-watch.ts";
import type { ServerConfiguration } from "./configuration.ts";
import { ConfigurationError } from "./configuration-error.ts";
import type { Health } from "./health.ts";
import { observeStore } from "./observed-store.ts";

/** What the stores of a process share. */
export interface StoreHost {
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: Meter;
  readonly health: Health;
  /** Closes them. */
  readonly stack: AsyncDisposableStack;
}

export interface KeptStore {
  readonly store: Store;
  /** Wakes whoever waits for its commits. */
  readonly commits: CommitWatch;
}

/** Opens a store that is measured, tells of its failures, and is compacted until it closes. @param tenants whose history to compact */
export async function openKeptStore(
  host: StoreHost,
  configuration: ServerConfiguration,
  tenants: (store: Store) => Promise<TenantId[]>,
): Promise<KeptStore> {
  const { clock, health, meter, stack } = host;
  const opened = await openStore(storeConfig(configuration), clock);
  const commits = new CommitWatch(opened, configuration.store === "postgres");
  const rejected = health.storeRejected.bind(health);
  const store = observeStore(opened, { meter, rejected, committed: commits.committed.bind(commits) });
  stack.defer(() => store.close());
  stack.use(keepCompacting(host, store, configuration.retention_hours, tenants));
  return { store, commits };
}

function keepCompacting(
  { log }: StoreHost,
  store: Store,
  retentionHours: number,
  tenants: (store: Store) => Promise<TenantId[]>,
): AsyncDisposable {
  const stop = new AbortController();
  const ended = runCompactor(store, {
    retentionSeconds: retentionHours * 3_600,
    tenants: () => tenants(store),
    onError: (error) => log.error({ err: error }, "compaction failed"),
    signal: stop.signal,
  });
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

function storeConfig(configuration: ServerConfiguration): StoreConfig {
  switch (configuration.store) {
    case "memory":
      return { kind: "memory" };
    case "rocksdb":
      return { kind: "rocksdb", folder: join(configuration.data_directory, "store") };
    case "postgres":
      if (configuration.store_url === undefined) {
        throw new ConfigurationError(`"store_url" is missing, which "store": "postgres" needs.`);
      }
      return { kind: "postgres", url: configuration.store_url, schema: configuration.store_schema };
    default:
      return configuration.store satisfies never;
  }
}
