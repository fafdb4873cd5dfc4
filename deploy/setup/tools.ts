import { spawnSync } from "node:child_process";
import { delimiter, resolve } from "node:path";

/** The repository's root folder. */
export const root: string = resolve(import.meta.dirname, "../..");

/** A command of node_modules/.bin, .venv/bin or the PATH. */
export interface Tool {
  readonly command: string;
  readonly args: readonly string[];
  /** Relative to the repository; its root by default. */
  readonly folder?: string;
}

export interface Outcome {
  readonly passed: boolean;
  /** Standard output and error, where it was captured. */
  readonly output: string;
  readonly seconds: number;
}

/** Runs a tool without standard input to its end. Colours its output only on a terminal. */
export function runTool({ command, args, folder = "." }: Tool, output: "show" | "capture"): Outcome {
  const start = performance.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: resolve(root, folder),
    env: environment(),
    encoding: "utf8",
    stdio: output === "show" ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  return {
    passed: status === 0,
    output: `${stdout ?? ""}${stderr ?? ""}`,
    seconds: (performance.now() - start) / 1_000,
  };
}

function environment(): NodeJS.ProcessEnv {
  const path = [resolve(root, "node_modules/.bin"), resolve(root, ".venv/bin"), process.env["PATH"]].join(delimiter);
  return { ...process.env, PATH: path, ...(process.stdout.isTTY ? {} : { NO_COLOR: "1" }) };
}
