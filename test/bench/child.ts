import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const running = new Set<ChildProcess>();

/** A process of a program below `test/bench` or of the server, told what to do by its arguments. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #errors = "";
  #stopping = false;

  /** @param program relative to the repository */
  constructor(program: string, programArguments: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    const command = program.endsWith(".py") ? `${root}.venv/bin/python` : process.execPath;
    this.#process = spawn(command, [root + program, ...programArguments], {
      env: { ...process.env, ...environment },
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

  /** SIGTERM, and its end. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#stopping = true;
    this.#process.kill("SIGTERM");
    await once(this.#process, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Runs a program to its first message. */
export async function ask<Answer>(
  program: string,
  programArguments: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Answer> {
  await using child = new Child(program, programArguments, environment);
  return await child.message<Answer>();
}

// Nothing is left behind when the bench fails or is interrupted.
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
