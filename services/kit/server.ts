import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { logVerbosity, type ServerOptions, setLogVerbosity } from "@grpc/grpc-js";
import type { Meter } from "@opentelemetry/api";
import { createServer, type Server, type ServerMiddleware } from "nice-grpc";
import { errorDetailsServerMiddleware } from "nice-grpc-error-details";
import { HealthDefinition, HealthServiceImpl } from "nice-grpc-server-health";
import type { Logger } from "pino";
import { cannotListen, hostAndPort } from "./address.ts";
import { admitCalls, type VerifyCall } from "./admit-calls.ts";
import type { ServerConfiguration } from "./configuration.ts";
import { serverCredentials } from "./credentials.ts";
import { ServiceError } from "./errors.ts";
import { flowControl } from "./flow-control.ts";
import type { Health } from "./health.ts";
import { limits } from "./limits.ts";
import { capDeadlines } from "./long-deadlines.ts";
import { methodScopes } from "./method-scopes.ts";
import { createCallMetrics, OpenCalls, observeCalls } from "./observe-calls.ts";
import { methodPaths, type Service, toServiceDefinition } from "./service.ts";

export interface ServerParts {
  readonly configuration: ServerConfiguration;
  readonly services: readonly Service[];
  readonly verify: VerifyCall;
  readonly health: Health;
  readonly log: Logger;
  readonly meter: Meter;
}

export interface RunningServer extends AsyncDisposable {
  /** `host:port` */
  readonly address: string;
  /**
   * Stops: NOT_SERVING, `drain` of every call is aborted so that streams end in-band, new calls get DRAINING;
   * what is open after `drain_seconds` is cancelled. Resolves when no handler runs any more. Idempotent.
   */
  close(): Promise<void>;
}

/** Channelz is not served, but must not be switched off: grpc-js 1.14.7 then knows no sessions that `forceShutdown` could end. */
const options: ServerOptions & Record<string, unknown> = {
  "grpc.max_receive_message_length": limits.message_bytes,
  "grpc.max_send_message_length": limits.message_bytes,
  "grpc.max_concurrent_streams": limits.connection_streams,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 15_000,
  interceptors: [flowControl],
};

/** Starts a gRPC server with health; every other method needs a token. Rejects with ConfigurationError, or where the port is taken. */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const { configuration, health, log, meter } = parts;
  for (const { definition } of parts.services) checkScopes(methodPaths(definition));
  capDeadlines();
  // It writes to standard error what the errors it gives say again.
  setLogVerbosity(logVerbosity.NONE);
  const drain = new AbortController();
  setMaxListeners(0, drain.signal);
  const calls = new OpenCalls();
  const metrics = createCallMetrics(meter);
  const server = createServer(options).use(errorDetailsServerMiddleware).use(observeCalls({ log, metrics, calls }));
  server.with(endWatches(drain.signal)).add(HealthDefinition, HealthServiceImpl(health.state));
  const guarded = server.with(admitCalls(parts.verify, drain.signal));
  for (const service of parts.services) {
    guarded.add(toServiceDefinition(service, metrics.sent), service.implementation);
  }
  const host = configuration.listen_host;
  const port = await listen(server, configuration);
  health.serve(parts.services.map(({ definition }) => definition.fullName));
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= stop(server, calls, { health, drain, seconds: configuration.drain_seconds });
    return closed;
  };
  return { address: hostAndPort(host, port), close, [Symbol.asyncDispose]: close };
}

async function listen(server: Pick<Server, "listen">, configuration: ServerConfiguration): Promise<number> {
  const { listen_host: host, listen_port: port } = configuration;
  const credentials = serverCredentials(configuration);
  try {
    return await server.listen(hostAndPort(host, port), credentials);
  } catch (cause) {
    throw cannotListen(host, port, "listen_port", cause);
  }
}

function checkScopes(paths: readonly string[]): void {
  const open = paths.filter((path) => methodScopes[path] === undefined);
  if (open.length > 0) throw new Error(`No scope in method-scopes.ts for ${open.join(", ")}.`);
}

/** Health watches never end by themselves: they end with the server, after they have said NOT_SERVING. */
function endWatches(drain: AbortSignal): ServerMiddleware {
  return async function* end(call, context) {
    try {
      const signal = AbortSignal.any([context.signal, drain]);
      return yield* call.next(call.request, { ...context, signal });
    } catch (error) {
      if (!drain.aborted || !call.responseStream) throw error;
    }
  };
}

interface Stopping {
  readonly health: Health;
  readonly drain: AbortController;
  readonly seconds: number;
}

async function stop(
  server: Pick<Server, "shutdown" | "forceShutdown">,
  calls: OpenCalls,
  { health, drain, seconds }: Stopping,
): Promise<void> {
  health.stop();
  drain.abort(new ServiceError("DRAINING", "The server stops; call again."));
  const ended = Promise.all([server.shutdown(), calls.ended()]);
  const deadline = new AbortController();
  await Promise.race([ended, sleep(seconds * 1_000, undefined, { signal: deadline.signal }).catch(() => undefined)]);
  deadline.abort();
  server.forceShutdown();
  await calls.ended();
}
