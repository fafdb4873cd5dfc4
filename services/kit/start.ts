import type { Meter } from "@opentelemetry/api";
import type { Channel } from "nice-grpc";
import type { Logger } from "pino";
import { TokenServiceDefinition } from "../../proto/gen/loraloop/auth/v1/token_service.ts";
import type { Clock, TenantId } from "../store/store.ts";
import { prepareFirstStart, readPageSecret } from "./auth/first-start.ts";
import { ProcessTokens } from "./auth/process-tokens.ts";
import { namedTenants, type Tenant, tenantNumbers } from "./auth/tenants.ts";
import { tokenService } from "./auth/token-service.ts";
import { verifyCall } from "./auth/verify-call.ts";
import type { Scope } from "./call.ts";
import type { ServerConfiguration } from "./configuration.ts";
import { Health } from "./health.ts";
import { type KeptStore, openKeptStore } from "./kept-store.ts";
import { createLog } from "./log.ts";
import { OwnChannel } from "./own-channel.ts";
import { PageTokens } from "./page-token.ts";
import { startServer } from "./server.ts";
import type { Service } from "./service.ts";
import { startTelemetry } from "./telemetry.ts";

/** What the kit opens for a service. */
export interface ServiceParts extends KeptStore {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Meter;
  readonly pageTokens: PageTokens;
  /** Numbers of all tenants that callers may be of, the system's too: where the tokens are kept, be it in another store. */
  readonly tenants: () => Promise<TenantId[]>;
  /** The same with their names, but not the system's: a tenant is called alike in all services. */
  readonly namedTenants: () => Promise<Tenant[]>;
}

/** For several services in one process: they share tokens, tenants and server; each has a store of its own. */
export interface ProcessParts {
  /** Opens a further store, which closes after the last call has ended. Rejects as `startService` does. */
  openParts(configuration: ServerConfiguration): Promise<ServiceParts>;
  /** A bearer token of the tenant `system` for calls to this process; kept in memory only. */
  issueToken(scopes: readonly Scope[]): string;
  /** To this process; resolves once it listens, rejects where it does not start. */
  readonly channel: Promise<Channel>;
}

/** Makes the services of a process; what it adds to `stack` closes after the last call has ended and before the store. */
export type OpenServices = (
  parts: ServiceParts,
  stack: AsyncDisposableStack,
  process: ProcessParts,
) => Promise<readonly Service[]>;

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
  const { meter } = telemetry;
  const health = stack.use(new Health(log));
  const host = { clock, log, meter, health, stack };
  const kept = await openKeptStore(host, configuration, (store) => tenantNumbers({ store, clock }));
  const tokens = { store: kept.store, clock };
  await prepareFirstStart(tokens, configuration.data_directory);
  const pageTokens = new PageTokens(await readPageSecret(tokens));
  const tenants = () => tenantNumbers(tokens);
  const shared = { clock, log, metrics: meter, pageTokens, tenants, namedTenants: () => namedTenants(tokens) };
  const own = stack.use(new OwnChannel());
  // What waits for it ends before it is closed.
  using unopened = new DisposableStack();
  unopened.defer(() => own.abandon());
  const issued = new ProcessTokens();
  const process: ProcessParts = {
    openParts: async (other) => ({ ...shared, ...(await openKeptStore(host, other, tenants)) }),
    issueToken: (scopes) => issued.issue(scopes),
    channel: own.channel,
  };
  const services = [
    { definition: TokenServiceDefinition, implementation: tokenService({ ...tokens, pageTokens }) },
    ...(await openServices({ ...shared, ...kept }, stack, process)),
  ];
  const verify = verifyCall.bind(undefined, tokens, issued);
  const server = stack.use(await startServer({ configuration, services, verify, health, log, meter }));
  own.open(server.address, configuration);
  log.info({ address: server.address, metricsAddress: telemetry.address }, "serving");
  return running(stack.move(), server.address, telemetry.address);
}

function running(open: AsyncDisposableStack, address: string, metricsAddress: string): RunningService {
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= open.disposeAsync();
    return closed;
  };
  return { address, metricsAddress, close, [Symbol.asyncDispose]: close };
}
