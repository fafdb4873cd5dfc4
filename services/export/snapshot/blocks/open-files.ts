import { closeSync, openSync, readSync } from "node:fs";

const MAX_OPEN = 256;

/**
 * Open files of blocks and sample tables, shared by all planned streams; the longest unused is closed first. Reads are synchronous: single
 * lines come from the page cache in less time than a turn of the event loop.
 */
export class OpenFiles implements Disposable {
  readonly #files = new Map<string, number>();

  /** Fills `target`. False where the file ends before. Throws where it cannot be opened. */
  read(path: string, offset: number, target: Uint8Array): boolean {
    return readSync(this.#open(path), target, 0, target.length, offset) === target.length;
  }

  /** Lets go of a file that is removed, so that its bytes are. */
  close(path: string): void {
    const file = this.#files.get(path);
    if (file === undefined) return;
    this.#files.delete(path);
    closeSync(file);
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
    const [oldest] = this.#files.keys();
    if (this.#files.size > MAX_OPEN && oldest !== undefined) this.close(oldest);
    return file;
  }
}
