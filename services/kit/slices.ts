import { setImmediate as nextTurn } from "node:timers/promises";

/** Text that is parsed and printed in a few milliseconds. */
const sliceBytes = 256 * 1024;

/** Splits long work of the main thread, so that other calls get their turn. */
export class Slices {
  #bytes = 0;

  /** Call after each piece of work, with the bytes it went through. */
  async done(bytes: number): Promise<void> {
    this.#bytes += bytes;
    if (this.#bytes < sliceBytes) return;
    this.#bytes = 0;
    await nextTurn();
  }
}
