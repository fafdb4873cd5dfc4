import { ConfigurationError } from "./configuration.ts";
import type { RunningService } from "./start.ts";

/** MiB. Node 24 lets the young generation grow to three times 128; a server of streams gains nothing from that. */
const semiSpace = "--max-semi-space-size=4";

/** How long after the drain's deadline a process that still has something open ends all the same. */
const graceSeconds = 5;

/** Replaces this process by the same one with a small heap: V8 reads that size only when it starts. Call first. */
export function limitHeap(): void {
  const { execArgv, argv, env, execPath } = process;
  if (process.execve === undefined || execArgv.some((flag) => flag.startsWith("--max-semi-space-size"))) return;
  process.execve(execPath, [execPath, semiSpace, ...execArgv, ...argv.slice(1)], env);
}

/** Runs a service until SIGTERM or SIGINT, then drains it; a second signal ends the process at once. Where it cannot start: one line, exit code 1. */
export async function runService(
  name: string,
  start: () => Promise<{ service: RunningService; drainSeconds: number }>,
): Promise<void> {
  process.title = `loraloop ${name}`;
  try {
    const { service, drainSeconds } = await start();
    await stopSignal();
    setTimeout(() => process.exit(1), (drainSeconds + graceSeconds) * 1_000).unref();
    await service.close();
  } catch (error) {
    process.stderr.write(`loraloop ${name}: ${describe(error)}\n`);
    process.exitCode = 1;
  }
}

function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      process.once(signal, () => process.exit(1));
      resolve();
    });
  }
  return promise;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof ConfigurationError ? error.message : error.message.split("\n", 1).join();
}
