/** Wakes whoever waits when something changed. */
export class Notifier {
  #next = Promise.withResolvers<void>();

  notify(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }

  /** Resolves at the next change, after so many milliseconds, or when aborted. */
  wait(millis: number, signal: AbortSignal): Promise<void> {
    const done = Promise.withResolvers<void>();
    const finish = (): void => done.resolve();
    const timer = setTimeout(finish, millis);
    signal.addEventListener("abort", finish, { once: true });
    if (signal.aborted) finish();
    void this.#next.promise.then(finish);
    return done.promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
    });
  }
}
