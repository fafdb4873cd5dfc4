import { setTimeout as delay } from "node:timers/promises";
import { ConnectionError, RpcError } from "./errors.ts";

const firstDelaySeconds = 0.05;
const longestDelaySeconds = 5;

/** Waits between attempts: doubling with jitter, never shorter than the server asked for, at most `seconds` in all without progress. */
export class Backoff {
  readonly #seconds: number;
  readonly #signal: AbortSignal | undefined;
  #attempt = 0;
  #began: number | undefined;

  constructor(seconds: number, signal?: AbortSignal) {
    this.#seconds = seconds;
    this.#signal = signal;
  }

  /** Call after anything that brought the work forward. */
  progress(): void {
    this.#attempt = 0;
    this.#began = undefined;
  }

  /** Returns when it is time to try again; throws `error` where that is useless, ConnectionError when the time is up. */
  async wait(error: unknown): Promise<void> {
    const cutOff = error instanceof ConnectionError;
    if (!cutOff && !(error instanceof RpcError && error.retryable)) throw error;
    this.#began ??= performance.now();
    if (performance.now() - this.#began > this.#seconds * 1000) {
      throw new ConnectionError(`No progress for ${this.#seconds} s: ${error.message}`, { cause: error });
    }
    const seconds = Math.min(longestDelaySeconds, firstDelaySeconds * 2 ** this.#attempt) * (0.5 + Math.random() / 2);
    this.#attempt += 1;
    const asked = cutOff ? 0 : (error.retryAfterSeconds ?? 0);
    await delay(Math.max(seconds, asked) * 1000, undefined, this.#signal ? { signal: this.#signal } : {});
  }
}

/** The answer of an idempotent call, made again and again while the server is away, for at most `seconds`. */
export async function untilAnswered<Answer>(
  seconds: number,
  call: () => Promise<Answer>,
  signal?: AbortSignal,
): Promise<Answer> {
  const backoff = new Backoff(seconds, signal);
  while (true) {
    try {
      return await call();
    } catch (error) {
      await backoff.wait(error);
    }
  }
}
