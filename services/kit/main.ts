import { flushCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { ConfigurationError } from "./configuration-error.ts";
import { fileProblem } from "./file-problem.ts";
import type { RunningService } from "./start.ts";

/**
 * Helpers for the young generation would take a fifth of two processors from rendering. An old generation of at most 1 GiB makes V8 collect earlier. Young garbage is collected
 * when it fills four tenths of its room: the memory of sent messages goes with it, which V8 otherwise takes for growth of the old generation, and marks that for nothing.
 */
const heapFlags = ["--no-parallel-scavenge", "--max-old-space-size=1024", "--minor-gc-task-trigger=40"];

/** Node keeps here what it stripped of types and compiled: without it every thread loads the stripper, some 20 MB. */
const compileCache = fileURLToPath(new URL("../../node_modules/.cache/loraloop", import.meta.url));

/** How long after the drain's deadline a process that still has something open ends all the same. */
const graceSeconds = 5;

/**
 * Replaces this process by the same one with a small heap and cached code: Node reads these only when it starts. Call first.
 * @param semiSpaceMib half of the serving thread's young generation: small where large messages are sent, whose memory is then found soon; larger where
 * many small calls are answered
 */
export function limitMemory(semiSpaceMib: number): void {
  const { execArgv, argv, env, execPath } = process;
  const flags = [...heapFlags, `--max-semi-space-size=${semiSpaceMib}`];
  if (flags.every((flag) => execArgv.includes(flag))) {
    // From here on threads have the young generation that their `resourceLimits` say.
    setFlagsFromString("--max-semi-space-size=0");
    return;
  }
  if (process.execve === undefined) return;
  // In glibc each thread gets an arena of its own, which keeps what it freed; two are enough. What is larger than a frame goes back at once;
  // frames do not, since their memory costs more to get than to fill.
  const allocator = { MALLOC_ARENA_MAX: "2", MALLOC_MMAP_THRESHOLD_: "262144", MALLOC_TRIM_THRESHOLD_: "524288" };
  const environment = { NODE_COMPILE_CACHE: compileCache, ...allocator, ...env };
  process.execve(execPath, [execPath, ...flags, ...execArgv, ...argv.slice(1)], environment);
}

/** Runs a service until SIGTERM or SIGINT, then drains it; a second signal ends the process at once. Where it cannot start: one line, exit code 1, or what `onError` does. */
export async function runService(
  name: string,
  start: () => Promise<{ service: RunningService; drainSeconds: number }>,
  onError: (error: unknown) => void = (error) => reportError(name, error),
): Promise<void> {
  process.title = `loraloop ${name}`;
  try {
    // Whoever reads that it serves may stop it at once.
    const stopped = stopSignal();
    const { service, drainSeconds } = await start();
    flushCompileCache();
    await stopped;
    setTimeout(() => process.exit(1), (drainSeconds + graceSeconds) * 1_000).unref();
    await service.close();
  } catch (error) {
    onError(error);
  }
}

function reportError(name: string, error: unknown): void {
  process.stderr.write(`loraloop ${name}: ${describe(error)}\n`);
  process.exitCode = 1;
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
  if (error instanceof ConfigurationError) return error.message;
  return fileProblem(error) ?? error.message.split("\n", 1).join();
}
