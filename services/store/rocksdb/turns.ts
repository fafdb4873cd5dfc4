import { setImmediate as nextTurn } from "node:timers/promises";

const turnMillis = 1;

/**
 * Reads of the main thread end without waiting for anything, so a loop of them would let nobody else run.
 * Who asks before each gets at most a millisecond until the event loop goes round.
 */
export class Turns {
  #began = 0;

  /** Whether `next` would wait: who reads often looks first, which is cheaper than an await. */
  get isOver(): boolean {
    return performance.now() - this.#began >= turnMillis;
  }

  async next(): Promise<void> {
    if (!this.isOver) return;
    await nextTurn();
    this.#began = performance.now();
  }
}
