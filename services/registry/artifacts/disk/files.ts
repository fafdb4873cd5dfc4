import type { BigIntStats } from "node:fs";
import { fileChanged, storageUnavailable } from "../artifact-errors.ts";
import { comparePaths } from "../artifact-path.ts";
import { type ArtifactFiles, type ListedFile, PIECE_BYTES } from "../artifact-store.ts";
import { checkPickleHead, HEAD_BYTES } from "../pickles.ts";
import { type OpenFile, openFile, statsOf } from "./open-file.ts";
import { pathsBelow } from "./paths-below.ts";

/** Files in a folder of this machine. */
export class FolderFiles implements ArtifactFiles {
  readonly #folder: string;
  /** What the files were when they were listed. */
  readonly #listed = new Map<string, string>();

  /** `folder`: its real path. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async list(): Promise<readonly ListedFile[]> {
    const listed: ListedFile[] = [];
    for await (const path of pathsBelow(this.#folder)) {
      await using file = await openFile(this.#folder, path);
      checkPickleHead(path, await readAt(file, path, 0, Math.min(HEAD_BYTES, sizeOf(file))));
      this.#listed.set(path, identityOf(file.stats));
      listed.push({ path, byteCount: file.stats.size });
    }
    return listed.sort((a, b) => comparePaths(a.path, b.path));
  }

  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    await using file = await this.#open(path);
    return await readAt(file, path, offset, length);
  }

  async *stream(path: string): AsyncGenerator<Uint8Array> {
    await using file = await this.#open(path);
    const size = sizeOf(file);
    for (let offset = 0; offset < size; offset += PIECE_BYTES) {
      yield await readAt(file, path, offset, Math.min(PIECE_BYTES, size - offset));
    }
    this.#checkSame(path, statsOf(file.handle));
  }

  async #open(path: string): Promise<OpenFile> {
    const file = await openFile(this.#folder, path);
    try {
      this.#checkSame(path, file.stats);
      return file;
    } catch (error) {
      await file[Symbol.asyncDispose]();
      throw error;
    }
  }

  #checkSame(path: string, stats: BigIntStats): void {
    const listed = this.#listed.get(path);
    if (listed !== undefined && listed !== identityOf(stats))
      throw fileChanged(path, "as it was listed", "a changed file");
  }
}

function sizeOf({ stats }: OpenFile): number {
  return Number(stats.size);
}

/** Every write and every rename changes it. */
function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join();
}

async function readAt({ handle }: OpenFile, path: string, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  const { bytesRead } = await handle.read(bytes, 0, length, offset).catch((error: unknown) => {
    throw storageUnavailable(error);
  });
  if (bytesRead < length) throw fileChanged(path, `${offset + length} bytes`, `${offset + bytesRead} bytes`);
  return bytes;
}
