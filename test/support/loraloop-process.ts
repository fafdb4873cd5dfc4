import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { commandFile, endWithThisProcess } from "./command.ts";

/** `loraloop up` as a process of its own: can be killed, and started again on the same port and data. */
export class LoraloopProcess implements AsyncDisposable {
  readonly folder: string;
  #child: ChildProcess | undefined;
  #port = "0";
  #errors = "";

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @param prepare is called before the first start, in the empty folder */
  static async start(prepare?: (server: LoraloopProcess) => Promise<void>): Promise<LoraloopProcess> {
    const server = new LoraloopProcess(await mkdtemp(join(tmpdir(), "loraloop-process-")));
    await prepare?.(server);
    await server.start();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get dataDirectory(): string {
    return join(this.folder, "data");
  }

  /** What the server wrote to standard error: nothing, while it is well. */
  get errors(): string {
    return this.#errors;
  }

  /** Lets commands and clients find this server, and no other. */
  get environment(): NodeJS.ProcessEnv {
    const { LORALOOP_ADDRESS: _address, LORALOOP_TOKEN: _token, ...others } = process.env;
    return { ...others, XDG_STATE_HOME: join(this.folder, "state"), XDG_CACHE_HOME: join(this.folder, "cache") };
  }

  /** Admin of the tenant `default`. */
  async token(): Promise<string> {
    return (await readFile(join(this.dataDirectory, "token"), "utf8")).trim();
  }

  /** Admin of the tenant `system`. */
  async systemToken(): Promise<string> {
    return (await readFile(join(this.dataDirectory, "system-token"), "utf8")).trim();
  }

  async start(): Promise<void> {
    const ports = ["--port", this.#port, "--metrics-port", "0"];
    this.#child = spawn(process.execPath, [commandFile, "--json", "up", "--data", this.dataDirectory, ...ports], {
      env: this.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    endWithThisProcess(this.#child);
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    this.#port = /:(\d+)$/.exec(await this.#readAddress(this.#child))?.[1] ?? "0";
  }

  /** kill -9. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** Drains. Resolves to the exit code. */
  async stop(): Promise<number | null | undefined> {
    await this.#end("SIGTERM");
    return this.#child?.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  async #readAddress(child: ChildProcess): Promise<string> {
    if (child.stdout === null) throw new Error("The server has no standard output.");
    for await (const line of createInterface(child.stdout)) {
      child.stdout.resume();
      return (JSON.parse(line) as { address: string }).address;
    }
    throw new Error(`The server did not start: ${this.#errors}`);
  }
}
