import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../../", import.meta.url));
export const commandFile: string = fileURLToPath(new URL("../../clients/cli/main.ts", import.meta.url));
export const python: string = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly input?: string;
}

/** Starts `loraloop …` as a process of its own; every Node warning ends it. */
export function startCommand(args: readonly string[], options: CommandOptions): ChildProcessWithoutNullStreams {
  return startProgram(process.execPath, ["--throw-deprecation", commandFile, ...args], options);
}

/** Runs `loraloop …` to its end. */
export function runCommand(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return resultOf(startCommand(args, options));
}

export function startProgram(
  program: string,
  args: readonly string[],
  { env, cwd, input }: CommandOptions,
): ChildProcessWithoutNullStreams {
  const child = spawn(program, args, { env, ...(cwd !== undefined && { cwd }) });
  child.stdin.on("error", () => undefined);
  endWithThisProcess(child);
  if (input !== undefined) child.stdin.end(input);
  return child;
}

/** A test that breaks off leaves no process behind. */
export function endWithThisProcess(child: ChildProcess): void {
  const kill = (): boolean => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
}

export async function resultOf(child: ChildProcessWithoutNullStreams): Promise<CommandResult> {
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout: stdout(), stderr: stderr() };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}
