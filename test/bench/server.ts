import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "../../clients/typescript/src/index.ts";
import { Child } from "./child.ts";

/** The server under test: a process of its own, as users start it, on RocksDB and free ports. */
export class Server implements AsyncDisposable {
  readonly address: string;
  readonly token: string;
  /** For what is not measured. */
  readonly client: Client;
  readonly #child: Child;
  readonly #metricsAddress: string;

  private constructor(child: Child, addresses: Serving, token: string) {
    this.#child = child;
    this.address = addresses.address;
    this.#metricsAddress = addresses.metricsAddress;
    this.token = token;
    this.client = new Client({ address: this.address, token });
  }

  /** Resolves when it serves. */
  static async start(dataDirectory: string, service: "export" | "registry" = "export"): Promise<Server> {
    const prefix = `LORALOOP_${service.toUpperCase()}`;
    const environment = {
      [`${prefix}_DATA_DIRECTORY`]: dataDirectory,
      [`${prefix}_LISTEN_PORT`]: "0",
      [`${prefix}_METRICS_PORT`]: "0",
    };
    const child = new Child(`services/${service}/main.ts`, [], { environment });
    for (;;) {
      const line = await child.message<Partial<Serving>>();
      const { address, metricsAddress } = line;
      if (address === undefined || metricsAddress === undefined) continue;
      return new Server(child, { address, metricsAddress }, readFileSync(join(dataDirectory, "token"), "utf8").trim());
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The largest that its resident memory has been since it started, in MB. */
  peakMemory(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, "utf8");
    return (Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1_024) / 1e6;
  }

  /** 99th percentile of its event loop's delay since this was last asked, in ms. */
  async eventLoopDelay(): Promise<number> {
    const page = await (await fetch(`http://${this.#metricsAddress}/metrics`)).text();
    const line = /^loraloop_event_loop_delay_seconds\{quantile="0.99"\} (\S+)/m.exec(page);
    if (line === null) throw new Error("The metrics page has no event loop delay.");
    return Number(line[1]) * 1_000;
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.#child.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

interface Serving {
  readonly address: string;
  readonly metricsAddress: string;
}
