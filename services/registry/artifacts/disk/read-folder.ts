import { type BigIntStats, closeSync, fstatSync, readSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fileChanged, fileForbidden, storageUnavailable } from "../artifact-errors.ts";
import type { ListedFile } from "../artifact-store.ts";
import { checkPickleHead, HEAD_BYTES } from "../pickles.ts";
import { absent } from "./absent.ts";
import { kindForbidden, openWithoutLinks } from "./open-without-links.ts";
import { pathsBelow } from "./paths-below.ts";

/** A file, and what it was when it was looked at: every write and every rename changes its identity. */
export interface FoundFile extends ListedFile {
  readonly identity: string;
}

/** Some bytes of a file below a folder. */
export interface PieceOfFile {
  readonly folder: string;
  readonly path: string;
  readonly offset: number;
  /** Most bytes that are wanted. */
  readonly length: number;
  /** What the file must still be; absent for whatever it is. */
  readonly identity: string | undefined;
}

/** Bytes that were read: fewer than were wanted where the file ends. */
export interface ReadPiece extends FoundFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The real path of what lies at a path; undefined where nothing does. Throws STORE_UNAVAILABLE. */
export function findFolder(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch (error) {
    return absent(error);
  }
}

/** All files below a folder, in any order. @param folder its real path. Throws as `ArtifactFiles.list` does. */
export function listFolder(folder: string): FoundFile[] {
  return Array.from(pathsBelow(folder), (path) => {
    const { bytes, ...found } = readPiece({ folder, path, offset: 0, length: HEAD_BYTES, identity: undefined });
    checkPickleHead(path, Buffer.from(bytes.buffer));
    return found;
  });
}

/** Reads a plain file. Throws ADAPTER_FILE_FORBIDDEN, ADAPTER_FILE_MISSING, ADAPTER_FILE_CHANGED, STORE_UNAVAILABLE. */
export function readPiece({ folder, path, offset, length, identity }: PieceOfFile): ReadPiece {
  const descriptor = openWithoutLinks(join(folder, path), path);
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    checkKind(path, stats);
    checkSame(path, identity, stats);
    const bytes = new Uint8Array(Math.max(Math.min(length, Number(stats.size) - offset), 0));
    const bytesRead = readAt(descriptor, bytes, offset);
    if (bytesRead < bytes.length)
      throw fileChanged(path, `${offset + bytes.length} bytes`, `${offset + bytesRead} bytes`);
    const found = { path, byteCount: stats.size, identity: identityOf(stats) };
    checkSame(path, found.identity, fstatSync(descriptor, { bigint: true }));
    return { ...found, bytes };
  } finally {
    closeSync(descriptor);
  }
}

function checkKind(path: string, stats: BigIntStats): void {
  if (!stats.isFile()) throw kindForbidden(path);
  // A name made in the folder for somebody else's file would show that file.
  if (stats.nlink > 1n)
    throw fileForbidden(path, "is a hard link to a file with other names", "Put a copy in its place");
}

function checkSame(path: string, identity: string | undefined, stats: BigIntStats): void {
  if (identity === undefined || identity === identityOf(stats)) return;
  throw fileChanged(path, "as it was before", "a changed file");
}

function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join();
}

function readAt(descriptor: number, bytes: Uint8Array, offset: number): number {
  try {
    return readSync(descriptor, bytes, 0, bytes.length, offset);
  } catch (error) {
    throw storageUnavailable(error);
  }
}
