import { createHash, randomUUID } from "node:crypto";
import { closeSync, fstatSync, futimesSync, openSync, read, readSync, type Stats } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { BlockRoom } from "./block-room.ts";
import type { BlockLimits, BlockStore, LinePlace } from "./block-store.ts";

const readAsync = promisify(read);
/** Uses of a file are written down this often, as its access time: many file systems do not by themselves. */
const useMillis = 10_000;

/** A file whose content was checked, by what changes when somebody replaces it. */
interface CheckedFile {
  readonly identity: string;
  readonly usedMillis: number;
}

/** Blocks as files of a folder that several processes of one user share: nobody else may read them. */
export class BlockFiles implements BlockStore {
  readonly #directory: string;
  readonly #limits: BlockLimits;
  readonly #room: BlockRoom;
  readonly #checked = new Map<string, CheckedFile>();
  /** Blocks are kept one after the other, so that the limits hold. */
  #kept: Promise<void> = Promise.resolve();

  constructor(directory: string, limits: BlockLimits) {
    this.#directory = directory;
    this.#limits = limits;
    this.#room = new BlockRoom(directory, limits);
  }

  async copy(digest: string, places: readonly LinePlace[], target: Uint8Array): Promise<boolean> {
    const file = openIfPossible(this.#path(digest));
    if (file === undefined) {
      this.#checked.delete(digest);
      return false;
    }
    try {
      if (!(await this.#check(digest, file))) return false;
      // From the page cache, mostly: quicker than a turn of the thread pool.
      return places.every(
        ({ offset, length, target: start }) => readSync(file, target, start, length, offset) === length,
      );
    } finally {
      closeSync(file);
    }
  }

  keep(digest: string, block: Uint8Array): Promise<void> {
    this.#kept = this.#kept.then(() => this.#write(digest, block));
    return this.#kept;
  }

  async #write(digest: string, block: Uint8Array): Promise<void> {
    if (block.length > this.#limits.maxBytes) return;
    const path = this.#path(digest);
    const unfinished = `${path}.${randomUUID()}.part`;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await this.#room.make(block.length);
      await writeFile(unfinished, block, { flag: "wx", mode: 0o600 });
      await rename(unfinished, path);
    } catch {
      // Not kept: the disk is full or may not be written, or somebody deletes the folder at this moment.
      await rm(unfinished, { force: true }).catch(() => undefined);
    }
  }

  #path(digest: string): string {
    return join(this.#directory, digest.slice(0, 2), digest);
  }

  /** True where the file holds what its name says. One that does not is removed. */
  async #check(digest: string, file: number): Promise<boolean> {
    const status = fstatSync(file);
    const identity = identityOf(status);
    const known = this.#checked.get(digest);
    if (known?.identity !== identity) {
      const { buffer } = await readAsync(file, Buffer.allocUnsafe(status.size), 0, status.size, 0);
      if (createHash("sha256").update(buffer).digest("hex") !== digest) {
        await rm(this.#path(digest), { force: true });
        return false;
      }
    }
    if (known?.identity !== identity || Date.now() - known.usedMillis > useMillis) {
      this.#checked.set(digest, { identity, usedMillis: Date.now() });
      noteUse(file, status);
    }
    return true;
  }
}

function openIfPossible(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined;
  }
}

/** Somebody else's file can be read, but not be marked. */
function noteUse(file: number, status: Stats): void {
  try {
    futimesSync(file, new Date(), changedAt(status));
  } catch {}
}

function identityOf(status: Stats): string {
  return `${status.dev}-${status.ino}-${status.size}-${changedAt(status).getTime()}`;
}

/** To the millisecond: what can be written back as it was. */
function changedAt({ mtimeMs }: Stats): Date {
  return new Date(Math.round(mtimeMs));
}
