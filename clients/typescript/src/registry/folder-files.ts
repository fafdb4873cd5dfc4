import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { FileError } from "../errors.ts";
import { comparePaths, type DigestedFile } from "./artifact-digest.ts";
import { entriesBelow, type FolderEntry } from "./folder-entries.ts";

/** A file of a folder, by what the registry knows it. */
export interface FolderFile extends DigestedFile {
  readonly byteCount: number;
}

export interface ReadFolderOptions {
  readonly signal?: AbortSignal | undefined;
  /** Is called with the length of each piece that was read. */
  readonly onBytes?: (count: number) => void;
}

/** What a registry takes at most. */
const MOST_FILES = 1000;
/** Bytes of one read and of one message. */
const PIECE_BYTES = 1024 * 1024;
/** Files that run code when they are loaded, or may hold such, packed. */
const PICKLES = /\.(bin|pt|pth|ckpt|pkl|pickle|dill|joblib|npy|npz|tar|tgz|gz|bz2|xz|zst|zip|7z|rar)$/i;

/**
 * All files of a folder with their digests, in order of the paths' bytes. Throws FileError for what no registry takes: a link, a device, a pickle, an empty
 * folder. Nothing is left out.
 */
export async function readFolder(folder: string, options: ReadFolderOptions = {}): Promise<FolderFile[]> {
  const paths: string[] = [];
  for await (const found of entriesBelow(folder)) {
    checkEntry(folder, found);
    paths.push(found.path);
    if (paths.length > MOST_FILES) throw new FileError(folder, `holds more than ${MOST_FILES} files`);
  }
  if (paths.length === 0) throw new FileError(folder, "holds no files");
  const files: FolderFile[] = [];
  for (const path of paths.sort(comparePaths)) files.push({ path, ...(await digestFile(join(folder, path), options)) });
  return files;
}

/** @param follow whether the file may be a link */
export async function digestFile(
  place: string,
  { signal, onBytes }: ReadFolderOptions = {},
  follow = false,
): Promise<{ readonly byteCount: number; readonly digest: string }> {
  const hash = createHash("sha256");
  let byteCount = 0;
  for await (const piece of piecesOf(place, follow)) {
    signal?.throwIfAborted();
    hash.update(piece);
    byteCount += piece.length;
    onBytes?.(piece.length);
  }
  return { byteCount, digest: hash.digest("hex") };
}

/** A file's bytes in pieces of at most 1 MiB. */
export async function* piecesOf(place: string, follow = false): AsyncGenerator<Buffer> {
  await using file = await open(place, follow ? constants.O_RDONLY : constants.O_RDONLY | constants.O_NOFOLLOW);
  yield* file.createReadStream({ highWaterMark: PIECE_BYTES, autoClose: false });
}

/** Throws FileError for an entry that no registry takes. */
function checkEntry(folder: string, { path, entry }: FolderEntry): void {
  const place = join(folder, path);
  if (entry.isSymbolicLink()) throw new FileError(place, "is a link: put the file itself there");
  if (!entry.isFile()) throw new FileError(place, "is no file: remove it");
  if (!PICKLES.test(path)) return;
  const remedy =
    "remove it; if it holds the weights, save them with `save_pretrained(…, safe_serialization=True)` first";
  throw new FileError(place, `is a pickle, or may hold one, and may run code when it is loaded: ${remedy}`);
}
