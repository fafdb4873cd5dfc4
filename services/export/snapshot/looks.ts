import { Slices } from "../../kit/slices.ts";

/** Snapshots and records that one page of a search looks at. */
const MOST = 10_000;
/** The time of a look, as the bytes that `Slices` counts. */
const LOOK_BYTES = 4096;

/** Bounds the work of one page of a search, and lets other calls have their turn meanwhile. */
export class Looks {
  readonly #slices = new Slices();
  #count = 0;

  get areOver(): boolean {
    return this.#count >= MOST;
  }

  async take(): Promise<void> {
    this.#count += 1;
    await this.#slices.done(LOOK_BYTES);
  }
}
