import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { BlockLimits } from "./block-store.ts";

const blockName = /^[0-9a-f]{64}$/;
const unfinishedName = /\.part$/;
/** What a killed process began to write is removed after this time. */
const unfinishedMillis = 3_600_000;
const lookMillis = 600_000;
const looks = 64;

interface FoundFile {
  readonly path: string;
  readonly bytes: number;
  readonly usedMillis: number;
}

interface Count {
  readonly items: number;
  readonly bytes: number;
}

/**
 * Keeps a folder of blocks within its limits: those stay that were used last. To look at the whole folder for each block takes longer the more there are. So this
 * counts what the process adds, and looks before that is more than a 64th of the limits, and after ten minutes. While several processes write, each of the others
 * may bring the folder over its limits by that 64th, or by one block where that is more.
 */
export class BlockRoom {
  readonly #directory: string;
  readonly #limits: BlockLimits;
  #there: Count = { items: 0, bytes: 0 };
  /** Since the last look. */
  #added: Count = { items: 0, bytes: 0 };
  #lookedMillis = Number.NEGATIVE_INFINITY;
  /** Of those that were there at the last look, the one that was not used for the longest time last. */
  #oldest: FoundFile[] = [];

  constructor(directory: string, limits: BlockLimits) {
    this.#directory = directory;
    this.#limits = limits;
  }

  /** Removes blocks until one more fits. Not for several at a time. Throws where this process cannot look at the folder. */
  async make(bytes: number): Promise<void> {
    if (this.#isLookDue(bytes)) await this.#look();
    while (!this.#hold(plus(this.#there, bytes))) {
      const file = this.#oldest.pop();
      if (file !== undefined) await this.#remove(file);
      else if (this.#added.items > 0) await this.#look();
      // Others have just used all that is there.
      else break;
    }
    this.#there = plus(this.#there, bytes);
    this.#added = plus(this.#added, bytes);
  }

  #isLookDue(bytes: number): boolean {
    const added = plus(this.#added, bytes);
    const isDue = !this.#hold({ items: looks * added.items, bytes: looks * added.bytes });
    return isDue || Date.now() - this.#lookedMillis > lookMillis;
  }

  #hold({ items, bytes }: Count): boolean {
    return items <= this.#limits.maxItems && bytes <= this.#limits.maxBytes;
  }

  async #look(): Promise<void> {
    const found = await this.#list();
    this.#oldest = found.sort((one, other) => other.usedMillis - one.usedMillis);
    this.#there = { items: found.length, bytes: found.reduce((sum, file) => sum + file.bytes, 0) };
    this.#added = { items: 0, bytes: 0 };
    this.#lookedMillis = Date.now();
  }

  /** Unless it was used since the last look. */
  async #remove({ path, bytes, usedMillis }: FoundFile): Promise<void> {
    const status = await stat(path).catch(() => undefined);
    if (status !== undefined && status.atimeMs > usedMillis) return;
    await rm(path, { force: true });
    this.#there = { items: this.#there.items - 1, bytes: this.#there.bytes - bytes };
  }

  /** Whole blocks; what killed processes began to write goes. Others delete files at the same time. */
  async #list(): Promise<FoundFile[]> {
    const found: FoundFile[] = [];
    for (const folder of await readdir(this.#directory)) {
      if (!/^[0-9a-f]{2}$/.test(folder)) continue;
      for (const name of await namesIn(join(this.#directory, folder))) {
        const path = join(this.#directory, folder, name);
        const status = await stat(path).catch(() => undefined);
        if (status === undefined) continue;
        if (blockName.test(name)) found.push({ path, bytes: status.size, usedMillis: status.atimeMs });
        else if (unfinishedName.test(name) && Date.now() - status.mtimeMs > unfinishedMillis)
          await rm(path, { force: true });
      }
    }
    return found;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}

function plus({ items, bytes }: Count, added: number): Count {
  return { items: items + 1, bytes: bytes + added };
}
