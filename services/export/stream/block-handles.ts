import { closeSync, openSync, readSync } from "node:fs";

const MAX_OPEN = 256;

/** Open block files of all planned streams; the longest unused is closed first. Synchronous, as are the reads of single lines. */
export class BlockHandles implements Disposable {
  readonly #files = new Map<string, number>();

  /** Fills `target`. False where the file ends before. Throws where it cannot be opened. */
  read(path: string, offset: number, target: Uint8Array): boolean {
    return readSync(this.#open(path), target, 0, target.length, offset) === target.length;
  }

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) closeSync(file);
    this.#files.clear();
  }

  #open(path: string): number {
    const known = this.#files.get(path);
    if (known !== undefined) {
      this.#files.delete(path);
      this.#files.set(path, known);
      return known;
    }
    const file = openSync(path, "r");
    this.#files.set(path, file);
    const [oldest] = this.#files;
    if (this.#files.size > MAX_OPEN && oldest !== undefined) {
      this.#files.delete(oldest[0]);
      closeSync(oldest[1]);
    }
    return file;
  }
}
