import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Child } from "./child.ts";

const cli = new URL("../../clients/cli/main.ts", import.meta.url).pathname;

/** `loraloop up` in its own process, always at the same port. */
export class Server {
  readonly folder: string;
  #child: Child | undefined;
  #port = 0;
  #address = "";

  constructor(folder: string) {
    this.folder = folder;
  }

  get address(): string {
    return this.#address;
  }

  /** What clients in this process need. */
  get connection(): { readonly address: string; readonly token: string } {
    return { address: this.#address, token: readFileSync(join(this.folder, "token"), "utf8").trim() };
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const started = Promise.withResolvers<void>();
    const commandArguments = [
      cli,
      "--json",
      "up",
      "--data",
      this.folder,
      "--port",
      String(this.#port),
      "--metrics-port",
      "0",
    ];
    const child = new Child(process.execPath, commandArguments, { XDG_STATE_HOME: this.folder }, (line) => {
      if (!line.includes('"address"')) return;
      this.#address = (JSON.parse(line) as { address: string }).address;
      this.#port = Number(this.#address.split(":").at(-1));
      started.resolve();
    });
    this.#child = child;
    void child.ended().then(() => started.reject(new Error(`The server did not start:\n${child.errors}`)));
    await started.promise;
  }

  /** kill -9, then start again on the same folder. */
  async crash(): Promise<void> {
    await this.#child?.kill();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.#child?.stop();
  }
}
