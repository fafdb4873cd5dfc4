import { type Channel, createChannel } from "nice-grpc";
import { startCommand } from "../support/command.ts";
import { ChildLines } from "./child-lines.ts";

/** `loraloop serve registry` as a process of its own, on the same data after each start. */
export class RegistryProcess implements AsyncDisposable {
  readonly #child: ChildLines;
  #channel: Channel;
  #metricsAddress: string;

  private constructor(child: ChildLines, { address, metricsAddress }: Addresses) {
    this.#child = child;
    this.#channel = createChannel(address);
    this.#metricsAddress = metricsAddress;
  }

  /** @param configuration keys of the registry's configuration beside its ports */
  static async start(configuration: Readonly<Record<string, string>>): Promise<RegistryProcess> {
    const keys = { ...configuration, listen_port: "0", metrics_port: "0", log_level: "info" };
    const variables = Object.entries(keys).map(([key, value]) => [`LORALOOP_REGISTRY_${key.toUpperCase()}`, value]);
    const env = { ...process.env, ...Object.fromEntries(variables) };
    const child = new ChildLines(() => startCommand(["serve", "registry"], { env }));
    return new RegistryProcess(child, await addressesOf(child));
  }

  /** To the process that runs now. */
  get channel(): Channel {
    return this.#channel;
  }

  /** Bytes of resident memory of the process that runs now. */
  async memory(): Promise<number> {
    const page = await (await fetch(`http://${this.#metricsAddress}/metrics`)).text();
    return Number(/^loraloop_process_resident_memory_bytes\S* (\S+)/m.exec(page)?.[1]);
  }

  /** kill -9; there is another one afterwards. */
  async restart(): Promise<void> {
    await this.#child.kill();
    this.#channel.close();
    this.#child.start();
    const { address, metricsAddress } = await addressesOf(this.#child);
    this.#channel = createChannel(address);
    this.#metricsAddress = metricsAddress;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.close();
    await this.#child[Symbol.asyncDispose]();
  }
}

interface Addresses {
  readonly address: string;
  readonly metricsAddress: string;
}

/** The log says where it listens. */
async function addressesOf(child: ChildLines): Promise<Addresses> {
  for (;;) {
    const line = JSON.parse(await child.answer()) as Partial<Addresses>;
    const { address, metricsAddress } = line;
    if (address !== undefined && metricsAddress !== undefined) return { address, metricsAddress };
  }
}
