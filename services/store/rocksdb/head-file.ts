import { closeSync, fdatasyncSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { StoreError } from "../store.ts";

/** A disk's sector: a torn write of one slot cannot touch the other. */
const slotBytes = 4096;
const slotCount = 2;

/** Ends every error about a loss. */
export const wayOut =
  "Restore a backup, or accept the loss with `loraloop doctor --accept-loss`: the store then opens with what is there.";

/** The `HEAD` file beside the database: how many writes were acknowledged. `cat` shows it. */
export function headPath(folder: string): string {
  return join(folder, "HEAD");
}

/**
 * Writes the count into the two slots in turn, so that a write torn by a power cut leaves the older slot whole.
 * Slots are overwritten in place: nothing is allocated, so a full disk cannot fail here.
 */
export class HeadFile {
  readonly #file: number;
  #slot: number;

  private constructor(file: number, slot: number) {
    this.#file = file;
    this.#slot = slot;
  }

  static open(path: string): HeadFile {
    const newest = newestSlot(readFileSync(path));
    return new HeadFile(openSync(path, "r+"), newest.slot === 0 ? 1 : 0);
  }

  /** Durable when it returns. */
  write(count: bigint): void {
    writeSync(this.#file, encodeSlot(count), 0, slotBytes, this.#slot * slotBytes);
    fdatasyncSync(this.#file);
    this.#slot = (this.#slot + 1) % slotCount;
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Makes or replaces the file, with both slots at the count. Durable when it returns. */
export function writeNewHead(path: string, count: bigint): void {
  const slot = encodeSlot(count);
  const unfinished = `${path}.new`;
  const file = openSync(unfinished, "w");
  writeSync(file, Buffer.concat([slot, slot]));
  fsyncSync(file);
  closeSync(file);
  renameSync(unfinished, path);
  syncFolder(dirname(path));
}

/** The acknowledged writes, or undefined where there is no file. Rejects a file without a whole slot. */
export function readHeadFile(path: string): bigint | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const { count } = newestSlot(bytes);
  if (count === undefined) throw new StoreError("DATA_LOSS", `${path} is damaged. ${wayOut}`, { file: path });
  return count;
}

export function syncFolder(folder: string): void {
  const file = openSync(folder, "r");
  fsyncSync(file);
  closeSync(file);
}

function encodeSlot(count: bigint): Buffer {
  const text = `loraloop-head 1 ${count}`;
  return Buffer.from(`${text} ${checksum(text)}`.padEnd(slotBytes - 1).concat("\n"));
}

function newestSlot(bytes: Buffer): { slot: number; count: bigint | undefined } {
  const counts = Array.from({ length: slotCount }, (_, slot) => decodeSlot(bytes, slot));
  const slot = (counts[1] ?? -1n) > (counts[0] ?? -1n) ? 1 : 0;
  return { slot, count: counts[slot] };
}

function decodeSlot(bytes: Buffer, slot: number): bigint | undefined {
  const text = bytes.toString("latin1", slot * slotBytes, (slot + 1) * slotBytes);
  const [, content, count, sum] = /^(loraloop-head 1 (\d+)) ([0-9a-f]{8}) /.exec(text) ?? [];
  return content && count && sum === checksum(content) ? BigInt(count) : undefined;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}
