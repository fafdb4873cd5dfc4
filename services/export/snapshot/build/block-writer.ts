import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, rmSync } from "node:fs";
import { writeAll } from "../write-all.ts";

/** Appends pages to a block's file. Synchronous: it runs in a build thread. */
export class BlockWriter {
  readonly #file: number;
  readonly #hash = createHash("sha256");
  #bytes = 0;

  /** Replaces what a build of this process left that was interrupted; who still reads that keeps reading it. */
  constructor(path: string) {
    rmSync(path, { force: true });
    this.#file = openSync(path, "wx", 0o600);
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(page: Uint8Array): void {
    this.#hash.update(page);
    writeAll(this.#file, page);
    this.#bytes += page.length;
  }

  /** On disk; returns the SHA-256 of all bytes. */
  finish(): Uint8Array {
    fsyncSync(this.#file);
    closeSync(this.#file);
    return this.#hash.digest();
  }

  abandon(): void {
    closeSync(this.#file);
  }
}
