import { fileChanged } from "../artifact-errors.ts";
import { comparePaths } from "../artifact-path.ts";
import { type ArtifactFiles, type ListedFile, PIECE_BYTES } from "../artifact-store.ts";
import type { FolderReader } from "./folder-reader.ts";
import type { ReadPiece } from "./read-folder.ts";

/** Files in a folder of this machine. */
export class FolderFiles implements ArtifactFiles {
  readonly #folder: string;
  readonly #reader: FolderReader;
  /** What the files were when they were listed. */
  readonly #listed = new Map<string, string>();

  /** `folder`: its real path. */
  constructor(folder: string, reader: FolderReader) {
    this.#folder = folder;
    this.#reader = reader;
  }

  async list(): Promise<readonly ListedFile[]> {
    const found = await this.#reader.list(this.#folder);
    for (const { path, identity } of found) this.#listed.set(path, identity);
    return found.map(({ path, byteCount }) => ({ path, byteCount })).sort((a, b) => comparePaths(a.path, b.path));
  }

  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    const { bytes } = await this.#piece(path, offset, length);
    if (bytes.length === length) return bytes;
    throw fileChanged(path, `${offset + length} bytes`, `${offset + bytes.length} bytes`);
  }

  async *stream(path: string): AsyncGenerator<Uint8Array> {
    let piece = await this.#piece(path, 0, PIECE_BYTES);
    const { byteCount, identity } = piece;
    if (byteCount > 0n) yield piece.bytes;
    for (let offset = PIECE_BYTES; offset < byteCount; offset += PIECE_BYTES) {
      piece = await this.#piece(path, offset, PIECE_BYTES, identity);
      yield piece.bytes;
    }
  }

  #piece(path: string, offset: number, length: number, identity = this.#listed.get(path)): Promise<ReadPiece> {
    return this.#reader.piece({ folder: this.#folder, path, offset, length, identity });
  }
}
