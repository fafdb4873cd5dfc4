import { type Channel, createChannel } from "nice-grpc";
import { startCommand } from "../support/command.ts";
import { ChildLines } from "./child-lines.ts";

/** `loraloop serve registry` as a process of its own, on the same data after each start. */
export class RegistryProcess implements AsyncDisposable {
  readonly #child: ChildLines;
  #channel: Channel;

  private constructor(child: ChildLines, channel: Channel) {
    this.#child = child;
    this.#channel = channel;
  }

  /** @param configuration keys of the registry's configuration beside its ports */
  static async start(configuration: Readonly<Record<string, string>>): Promise<RegistryProcess> {
    const keys = { ...configuration, listen_port: "0", metrics_port: "0", log_level: "info" };
    const variables = Object.entries(keys).map(([key, value]) => [`LORALOOP_REGISTRY_${key.toUpperCase()}`, value]);
    const env = { ...process.env, ...Object.fromEntries(variables) };
    const child = new ChildLines(() => startCommand(["serve", "registry"], { env }));
    return new RegistryProcess(child, await channelTo(child));
  }

  /** To the process that runs now. */
  get channel(): Channel {
    return this.#channel;
  }

  /** kill -9; there is another one afterwards. */
  async restart(): Promise<void> {
    await this.#child.kill();
    this.#channel.close();
    this.#child.start();
    this.#channel = await channelTo(this.#child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.close();
    await this.#child[Symbol.asyncDispose]();
  }
}

/** The log says where it listens. */
async function channelTo(child: ChildLines): Promise<Channel> {
  for (;;) {
    const { address } = JSON.parse(await child.answer()) as { address?: string };
    if (address !== undefined) return createChannel(address);
  }
}
