import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "../store.ts";

const blockBytes = 32_768;
/** Checksum (4), length (2), type (1). */
const headerBytes = 7;
/** Full, first, middle, last; 0 pads. */
const lastRecordType = 4;

/**
 * Refuses two kinds of damage to the list of files that RocksDB 9.7 does not: from a wrong record type its open never
 * returns, and a record whose wrong length passes the end of the file is taken for one that a crash cut off, so that
 * it quietly forgets the files named there and after. Everything else that is damaged it refuses by itself.
 */
export function checkManifest(database: string): void {
  const current = join(database, "CURRENT");
  if (!existsSync(current)) return;
  const path = join(database, readFileSync(current, "latin1").trim());
  if (existsSync(path) && isDamaged(readFileSync(path))) {
    throw new StoreError("DATA_LOSS", `${path} is damaged: restore a backup.`, { file: path });
  }
}

function isDamaged(bytes: Buffer): boolean {
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const blockEnd = at - (at % blockBytes) + blockBytes;
    const end = at + headerBytes + bytes.readUInt16LE(at + 4);
    if (bytes.readUInt8(at + 6) > lastRecordType) return true;
    if (end > bytes.length) return isWholeWithin(bytes.subarray(at));
    at = blockEnd - end < headerBytes ? blockEnd : end;
  }
  return false;
}

/** Whether the checksum fits a shorter record: then it was whole and its length is wrong. */
function isWholeWithin(record: Buffer): boolean {
  const expected = unmasked(record.readUInt32LE(0));
  let checksum = ~0;
  for (let at = headerBytes - 1; at < record.length; at++) {
    checksum = addByte(checksum, record.readUInt8(at));
    if (~checksum >>> 0 === expected) return true;
  }
  return false;
}

function unmasked(stored: number): number {
  const rotated = (stored - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

/** CRC-32C, one byte further. */
function addByte(checksum: number, byte: number): number {
  let sum = checksum ^ byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
  return sum;
}
