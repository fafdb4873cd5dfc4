import { setImmediate as nextTurn } from "node:timers/promises";

/** Text that is parsed and printed in a few milliseconds. */
const sliceBytes = 256 * 1024;
/** Milliseconds after which others get their turn whatever the bytes: a filter may take long for few. */
const sliceMilliseconds = 10;

/** Splits long work of the main thread, so that other calls get their turn. */
export class Slices {
  #bytes = 0;
  #begin = performance.now();

  /** Call after each piece of work, with the bytes it went through. */
  async done(bytes: number): Promise<void> {
    this.#bytes += bytes;
    if (this.#bytes < sliceBytes && performance.now() - this.#begin < sliceMilliseconds) return;
    await nextTurn();
    this.#bytes = 0;
    this.#begin = performance.now();
  }
}
