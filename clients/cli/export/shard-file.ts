import { createHash } from "node:crypto";
import { closeSync, createReadStream, fdatasyncSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { InputError } from "../failure.ts";

export interface FileDigest {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** A file that is written from front to back, and its digest. */
export class ShardFile {
  readonly #file: number;
  readonly #digest = createHash("sha256");
  #bytes = 0;

  private constructor(path: string, keep: number) {
    this.#file = openSync(path, keep > 0 ? "r+" : "w");
    const { size } = fstatSync(this.#file);
    if (size < keep) throw new InputError(`${path} has ${size} bytes, but ${keep} were written.`);
    ftruncateSync(this.#file, keep);
  }

  /** @param keep goes on after so many bytes of the file that is there; they are read once for the digest. Throws InputError where it has fewer. */
  static async open(path: string, keep: number): Promise<ShardFile> {
    const file = new ShardFile(path, keep);
    if (keep > 0) {
      for await (const bytes of createReadStream(path, { end: keep - 1 })) file.#digest.update(bytes as Buffer);
    }
    file.#bytes = keep;
    return file;
  }

  append(bytes: Uint8Array): void {
    let written = 0;
    while (written < bytes.length) {
      written += writeSync(this.#file, bytes, written, bytes.length - written, this.#bytes + written);
    }
    this.#digest.update(bytes);
    this.#bytes += bytes.length;
  }

  /** Returns how many bytes lie safely on disk. */
  sync(): number {
    fdatasyncSync(this.#file);
    return this.#bytes;
  }

  /** Syncs and closes. */
  finish(): FileDigest {
    const bytes = this.sync();
    this.close();
    return { bytes, sha256: this.#digest.digest("hex") };
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Reads a file for its digest. */
export async function digestFile(path: string, onBytes: (count: number) => void = () => {}): Promise<FileDigest> {
  const digest = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    digest.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    onBytes((chunk as Buffer).length);
  }
  return { bytes, sha256: digest.digest("hex") };
}
