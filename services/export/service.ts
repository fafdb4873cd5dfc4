import { existsSync } from "node:fs";
import { join } from "node:path";
import { TokenServiceDefinition } from "../../proto/gen/loraloop/auth/v1/token_service.ts";
import { CorpusServiceDefinition } from "../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { prepareFirstStart, readPageSecret } from "../auth/first-start.ts";
import { tokenService } from "../auth/token-service.ts";
import { verifyToken } from "../auth/tokens.ts";
import { Health } from "../kit/health.ts";
import { createLog } from "../kit/log.ts";
import { observeStore } from "../kit/observed-store.ts";
import { PageTokens } from "../kit/page-token.ts";
import { startServer } from "../kit/server.ts";
import type { Service } from "../kit/service.ts";
import { startTelemetry } from "../kit/telemetry.ts";
import { systemClock } from "../store/clock.ts";
import { openStore, type StoreConfig } from "../store/open-store.ts";
import type { Clock } from "../store/store.ts";
import type { ExportConfiguration } from "./configuration.ts";
import { openContext } from "./context.ts";

export interface RunningExport extends AsyncDisposable {
  /** `host:port` of gRPC. */
  readonly address: string;
  /** `host:port` of the page `/metrics`. */
  readonly metricsAddress: string;
  /** Drains (see RunningServer), then closes the store. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts corpus, export and token services over one store. Rejects, leaving nothing open, with ConfigurationError,
 * StoreError (another process holds the store, its format is newer, it is damaged), or an Error for a port that is taken.
 */
export async function startExport(
  configuration: ExportConfiguration,
  clock: Clock = systemClock,
): Promise<RunningExport> {
  await using stack = new AsyncDisposableStack();
  const log = createLog(configuration.log_level);
  const telemetry = stack.use(
    await startTelemetry({ host: configuration.metrics_host, port: configuration.metrics_port }),
  );
  const health = stack.use(
    new Health(
      ["loraloop.auth.v1.TokenService", "loraloop.corpus.v1.CorpusService", "loraloop.export.v1.ExportService"],
      log,
    ),
  );
  const store = observeStore(await openStore(storeConfig(configuration), clock), {
    meter: telemetry.meter,
    rejected: (error, failed) => health.storeRejected(error, failed),
  });
  stack.defer(() => store.close());
  const tokens = { store, clock };
  await prepareFirstStart(tokens, configuration.data_directory);
  const pageTokens = new PageTokens(await readPageSecret(tokens));
  const parts = { store, clock, log, metrics: telemetry.meter, pageTokens };
  const context = await openContext(configuration, parts, stack);
  const services: Service[] = [{ definition: TokenServiceDefinition, implementation: tokenService(context) }];
  for (const [file, name, definition] of [
    ["corpus-service.ts", "corpusService", CorpusServiceDefinition],
    ["export-service.ts", "exportService", ExportServiceDefinition],
  ] as const) {
    if (!existsSync(join(import.meta.dirname, file))) continue;
    const module = await import(`./${file}`);
    services.push({ definition, implementation: module[name](context), encoders: module.encoders });
  }
  const server = stack.use(
    await startServer({
      configuration,
      services,
      verify: (token) => verifyToken(tokens, token),
      health,
      log,
      meter: telemetry.meter,
    }),
  );
  log.info({ address: server.address, metricsAddress: telemetry.address }, "export serves");
  const open = stack.move();
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= open.disposeAsync();
    return closed;
  };
  return { address: server.address, metricsAddress: telemetry.address, close, [Symbol.asyncDispose]: close };
}

function storeConfig(configuration: ExportConfiguration): StoreConfig {
  switch (configuration.store) {
    case "memory":
      return { kind: "memory" };
    case "rocksdb":
      return { kind: "rocksdb", folder: join(configuration.data_directory, "store") };
    case "postgres":
      return { kind: "postgres", url: configuration.store_url ?? "", schema: configuration.store_schema };
    default:
      return configuration.store satisfies never;
  }
}
