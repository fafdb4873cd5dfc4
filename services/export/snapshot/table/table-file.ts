import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { TenantId } from "../../../store/store.ts";
import { hexOf } from "../snapshot-key.ts";

/**
 * The sample table of a sealed snapshot says for each sample where its line is: random access that the store's blocks do not give. It is made while
 * the snapshot is built and can be made again at any time from the store and the blocks. The file: entries of all samples; samples of each page
 * (uint32); digest of each block (32 bytes); the trailer. All little-endian.
 */
export interface TableTrailer {
  readonly sampleCount: number;
  readonly pageCount: number;
  readonly blockCount: number;
  /** Length of the file of long ids; 0 where there is none. */
  readonly longIdBytes: number;
  /** CRC-32 of what lies between entries and trailer. */
  readonly check: number;
}

export const TRAILER_BYTES = 40;
export const DIGEST_BYTES = 32;
const MARK = "LORATAB1";

/** Folder of the tables of a tenant; beside the blocks, since who shares these shares them too. */
export function tablesFolder(dataDirectory: string, tenant: TenantId): string {
  return join(dataDirectory, "blocks", "tables", String(tenant));
}

export function tablePath(dataDirectory: string, tenant: TenantId, snapshot: Uint8Array): string {
  return join(tablesFolder(dataDirectory, tenant), hexOf(snapshot));
}

/** The ids that do not fit into entries; there only where there are some. */
export function longIdsPath(table: string): string {
  return `${table}.ids`;
}

export function encodeTrailer({ sampleCount, pageCount, blockCount, longIdBytes, check }: TableTrailer): Buffer {
  const bytes = Buffer.alloc(TRAILER_BYTES);
  bytes.write(MARK, 0, "latin1");
  bytes.writeUIntLE(sampleCount, 8, 6);
  bytes.writeUInt32LE(pageCount, 16);
  bytes.writeUInt32LE(blockCount, 20);
  bytes.writeUIntLE(longIdBytes, 24, 6);
  bytes.writeUInt32LE(check, 32);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 36)), 36);
  return bytes;
}

/** Undefined for anything but a whole trailer. */
export function decodeTrailer(bytes: Buffer): TableTrailer | undefined {
  if (bytes.length !== TRAILER_BYTES || bytes.toString("latin1", 0, 8) !== MARK) return undefined;
  if (bytes.readUInt32LE(36) !== crc32(bytes.subarray(0, 36))) return undefined;
  return {
    sampleCount: bytes.readUIntLE(8, 6),
    pageCount: bytes.readUInt32LE(16),
    blockCount: bytes.readUInt32LE(20),
    longIdBytes: bytes.readUIntLE(24, 6),
    check: bytes.readUInt32LE(32),
  };
}
