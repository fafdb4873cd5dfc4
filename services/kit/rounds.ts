import { setTimeout as sleep } from "node:timers/promises";

export interface RoundsOptions {
  /** From the end of one round to the beginning of the next. */
  readonly intervalMillis: number;
  /** Told of what a round threw; the next one tries again. */
  readonly onError: (error: unknown) => void;
}

/** Runs a round now and again and again, until it is disposed of: then `stop` is aborted and the round that runs is waited for. */
export function keepRounds(
  { intervalMillis, onError }: RoundsOptions,
  round: (stop: AbortSignal) => Promise<void>,
): AsyncDisposable {
  const stop = new AbortController();
  const ended = repeat(stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };

  async function repeat(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await round(signal).catch(onError);
      await sleep(intervalMillis, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}
