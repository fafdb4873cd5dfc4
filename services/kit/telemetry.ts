import type { Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Meter } from "@opentelemetry/api";
import type { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { cannotListen, hostAndPort } from "./address.ts";

/** Whoever imports node:http also loads Node's `fetch`, which takes 6 MB of memory in every server. This does not, nor do the packages' CommonJS builds: their others import it. */
const { createServer } = process.getBuiltinModule("node:http");
const require = createRequire(import.meta.url);
const prometheus: typeof import("@opentelemetry/exporter-prometheus") = require("@opentelemetry/exporter-prometheus");
const metrics: typeof import("@opentelemetry/sdk-metrics") = require("@opentelemetry/sdk-metrics");

/** The only labels that leave the process: none names a person, a tenant or a text. */
const labels = ["code", "method", "outcome", "quantile", "reason"];

export interface Telemetry extends AsyncDisposable {
  readonly meter: Meter;
  /** `host:port`; metrics are at `/metrics`. */
  readonly address: string;
}

/** Metrics of this process with a Prometheus page. Rejects where the port is taken. */
export async function startTelemetry(options: { readonly host: string; readonly port: number }): Promise<Telemetry> {
  const exporter = new prometheus.PrometheusExporter({
    preventServerStart: true,
    withoutScopeInfo: true,
    withoutTargetInfo: true,
  });
  const provider = new metrics.MeterProvider({
    readers: [exporter],
    views: [{ instrumentName: "*", attributesProcessors: [metrics.createAllowListAttributesProcessor(labels)] }],
  });
  const meter = provider.getMeter("loraloop");
  const stopDelay = measureProcess(meter);
  const server = await listen(exporter, options);
  return {
    meter,
    address: hostAndPort(options.host, (server.address() as AddressInfo).port),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      stopDelay();
      await provider.shutdown();
    },
  };
}

function listen(exporter: PrometheusExporter, { host, port }: { host: string; port: number }): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === "/metrics") exporter.getMetricsRequestHandler(request, response);
    else response.writeHead(404).end();
  });
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(cannotListen(host, port, "metrics_port", cause)));
    server.listen(port, host, () => resolve(server));
  });
}

/** How often the event loop is looked at, in ms. */
const delayResolution = 10;

/** Event loop delay since the last scrape, and memory. */
function measureProcess(meter: Meter): () => void {
  const delay = monitorEventLoopDelay({ resolution: delayResolution });
  delay.enable();
  meter
    .createObservableGauge("loraloop_event_loop_delay_seconds", { description: "Since the last scrape." })
    .addCallback((result) => {
      for (const quantile of [50, 99, 100]) {
        // Node counts from one look to the next; the delay is what that takes longer than it should.
        const late = Math.max(0, delay.percentile(quantile) / 1e6 - delayResolution);
        result.observe(late / 1_000, { quantile: String(quantile / 100) });
      }
      delay.reset();
    });
  meter
    .createObservableGauge("loraloop_process_resident_memory_bytes", { description: "Memory of the whole process." })
    .addCallback((result) => result.observe(process.memoryUsage.rss()));
  return () => delay.disable();
}
