import { closeSync, openSync, readSync } from "node:fs";

const MAX_OPEN = 256;

/**
 * Open files of blocks and sample tables, shared by all planned streams; where there are too many, the one that was opened first is closed. Reads are synchronous: single
 * lines come from the page cache in less time than a turn of the event loop.
 */
export class OpenFiles implements Disposable {
  readonly #files = new Map<string, number>();

  /** Reads `length` bytes from `position` of the file to `offset` of `target`. False where the file ends before. Throws where it cannot be opened. */
  read(path: string, position: number, target: Uint8Array, offset = 0, length: number = target.length): boolean {
    return readSync(this.#files.get(path) ?? this.#open(path), target, offset, length, position) === length;
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
    const file = openSync(path, "r");
    this.#files.set(path, file);
    const [oldest] = this.#files.keys();
    if (this.#files.size > MAX_OPEN && oldest !== undefined) this.close(oldest);
    return file;
  }
}
