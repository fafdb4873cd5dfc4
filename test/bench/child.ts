import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** How long a program may take to end once it has said all. */
const endMillis = 10_000;
const running = new Set<ChildProcess>();

export interface ChildOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** Folder of a Python environment, relative to the repository; `.venv` by default. */
  readonly python?: string;
}

/** A process of a program below `test/bench` or of the server, told what to do by its arguments. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #errors = "";
  #stopping = false;

  /** @param program relative to the repository */
  constructor(
    program: string,
    programArguments: readonly string[],
    { environment = {}, python = ".venv" }: ChildOptions = {},
  ) {
    const command = program.endsWith(".py") ? `${root}${python}/bin/python` : process.execPath;
    this.#process = spawn(command, [root + program, ...programArguments], {
      env: { ...process.env, PYTHONPATH: `${root}test/bench`, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(this.#process);
    this.#process.once("close", (code, signal) => {
      running.delete(this.#process);
      if (code !== 0 && !this.#stopping) console.error(`${program} ended with ${code ?? signal}:\n${this.#errors}`);
    });
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new Error("A child without output.");
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    stderr.on("data", (bytes: Buffer) => {
      this.#errors = (this.#errors + bytes.toString()).slice(-4_000);
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** The next line of its output that is a JSON object. Rejects where it ends before. */
  async message<Message>(): Promise<Message> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`${this.#process.spawnargs.at(1)} ended early.`);
      if (value.startsWith("{")) return JSON.parse(value) as Message;
    }
  }

  /** Waits until it has ended by itself; after ten seconds it is stopped. */
  async end(): Promise<void> {
    const timer = setTimeout(() => void this.stop(), endMillis);
    if (!this.#hasEnded) await once(this.#process, "close");
    clearTimeout(timer);
  }

  /** SIGTERM, and its end. */
  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    this.#stopping = true;
    this.#process.kill("SIGTERM");
    await once(this.#process, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get #hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }
}

/** Runs a program that answers with one message, to its end. */
export async function ask<Answer>(
  program: string,
  programArguments: readonly string[],
  options: ChildOptions = {},
): Promise<Answer> {
  await using child = new Child(program, programArguments, options);
  const answer = await child.message<Answer>();
  await child.end();
  return answer;
}

// Nothing is left behind when the bench fails or is interrupted.
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
