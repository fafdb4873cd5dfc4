import { join } from "node:path";
import type { Meter } from "@opentelemetry/api";
import type { Logger } from "pino";
import { TokenServiceDefinition } from "../../proto/gen/loraloop/auth/v1/token_service.ts";
import { runCompactor } from "../store/compactor.ts";
import { openStore, type StoreConfig } from "../store/open-store.ts";
import type { Clock, Store } from "../store/store.ts";
import { prepareFirstStart, readPageSecret } from "./auth/first-start.ts";
import { tenantNumbers } from "./auth/tenants.ts";
import { tokenService } from "./auth/token-service.ts";
import { type TokenContext, verifyToken } from "./auth/tokens.ts";
import { ConfigurationError, type ServerConfiguration } from "./configuration.ts";
import { Health } from "./health.ts";
import { createLog } from "./log.ts";
import { observeStore } from "./observed-store.ts";
import { PageTokens } from "./page-token.ts";
import { startServer } from "./server.ts";
import type { Service } from "./service.ts";
import { startTelemetry } from "./telemetry.ts";

/** What the kit opens for a service. */
export interface ServiceParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Meter;
  readonly pageTokens: PageTokens;
}

/** Makes the services of a process; what it adds to `stack` closes after the last call has ended and before the store. */
export type OpenServices = (parts: ServiceParts, stack: AsyncDisposableStack) => Promise<readonly Service[]>;

export interface RunningService extends AsyncDisposable {
  /** `host:port` of gRPC. */
  readonly address: string;
  /** `host:port` of the page `/metrics`. */
  readonly metricsAddress: string;
  /** Drains (see RunningServer), then closes everything. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens metrics, store and services, and serves them together with the token service. Rejects, leaving nothing open, with
 * ConfigurationError, StoreError (another process holds the store, its format is newer, it is damaged), or an Error for a taken port.
 */
export async function startService(
  configuration: ServerConfiguration,
  clock: Clock,
  openServices: OpenServices,
): Promise<RunningService> {
  await using stack = new AsyncDisposableStack();
  const log = createLog(configuration.log_level);
  const telemetry = stack.use(
    await startTelemetry({ host: configuration.metrics_host, port: configuration.metrics_port }),
  );
  const health = stack.use(new Health(log));
  const observer = { meter: telemetry.meter, rejected: health.storeRejected.bind(health) };
  const store = observeStore(await openStore(storeConfig(configuration), clock), observer);
  stack.defer(() => store.close());
  const tokens = { store, clock };
  stack.use(keepCompacting(tokens, log, configuration.retention_hours));
  await prepareFirstStart(tokens, configuration.data_directory);
  const pageTokens = new PageTokens(await readPageSecret(tokens));
  const services = [
    { definition: TokenServiceDefinition, implementation: tokenService({ ...tokens, pageTokens }) },
    ...(await openServices({ ...tokens, pageTokens, log, metrics: telemetry.meter }, stack)),
  ];
  const verify = verifyToken.bind(undefined, tokens);
  const server = stack.use(await startServer({ configuration, services, verify, health, log, meter: telemetry.meter }));
  log.info({ address: server.address, metricsAddress: telemetry.address }, "serving");
  return running(stack.move(), server.address, telemetry.address);
}

function keepCompacting(tokens: TokenContext, log: Logger, retentionHours: number): AsyncDisposable {
  const stop = new AbortController();
  const ended = runCompactor(tokens.store, {
    retentionSeconds: retentionHours * 3_600,
    tenants: () => tenantNumbers(tokens),
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

function running(open: AsyncDisposableStack, address: string, metricsAddress: string): RunningService {
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= open.disposeAsync();
    return closed;
  };
  return { address, metricsAddress, close, [Symbol.asyncDispose]: close };
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
