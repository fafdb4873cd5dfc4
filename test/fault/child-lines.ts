import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A child that answers lines with lines, and can be killed and started anew. */
export class ChildLines implements AsyncDisposable {
  readonly #start: () => ChildProcessWithoutNullStreams;
  #child!: ChildProcessWithoutNullStreams;
  #lines!: AsyncIterator<string>;
  #errors = "";

  constructor(start: () => ChildProcessWithoutNullStreams) {
    this.#start = start;
    this.start();
  }

  start(): void {
    this.#child = this.#start();
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
    this.#child.stderr.on("data", (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
  }

  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** The next line. Throws where the child has ended. */
  async answer(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done !== true) return value;
    throw new Error(`The child ended: ${this.#errors}`);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
