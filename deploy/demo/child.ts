import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A process that the demo starts, kills and starts again. */
export class Child {
  readonly #process: ChildProcess;
  readonly #errors: string[] = [];

  constructor(
    command: string,
    commandArguments: readonly string[],
    environment: NodeJS.ProcessEnv,
    onLine: (line: string) => void,
  ) {
    this.#process = spawn(command, commandArguments, {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new Error("A child without output.");
    createInterface({ input: stdout }).on("line", onLine);
    createInterface({ input: stderr }).on("line", (line) => {
      this.#errors.push(line);
      if (this.#errors.length > 30) this.#errors.shift();
    });
  }

  /** Resolves with the exit code, or -1 after a signal. */
  async ended(): Promise<number> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await once(this.#process, "close");
    return this.#process.exitCode ?? -1;
  }

  /** The last lines of its standard error. */
  get errors(): string {
    return this.#errors.join("\n");
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.ended();
  }

  async stop(): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.ended();
  }
}
