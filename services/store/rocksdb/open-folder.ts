import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Format, newFormat, parseFormat } from "../format.ts";
import { StoreError } from "../store.ts";
import { Database } from "./database.ts";
import { storeError } from "./errors.ts";
import { encodeNumbers, readWriteCount } from "./facts.ts";
import { headPath, readHeadFile, syncFolder, wayOut, writeNewHead } from "./head-file.ts";
import { formatKey, writeCountKey } from "./keys.ts";
import { checkManifest } from "./manifest.ts";

export const formatVersion = 1;

export interface OpenedFolder {
  readonly database: Database;
  readonly format: Format;
}

/** Opens the folder's database, or makes a new one, and refuses one that holds less than was acknowledged. */
export async function openFolder(folder: string): Promise<OpenedFolder> {
  try {
    makeFolder(folder);
    return await withDatabase(folder, (database) => {
      const format = readFormat(database) ?? createStore(database, folder);
      checkHead(database, folder);
      return format;
    });
  } catch (error) {
    throw storeError(error, "open");
  }
}

/** Closes it again when the check fails. */
export async function withDatabase(folder: string, check: (database: Database) => Format): Promise<OpenedFolder> {
  const path = join(folder, "rocksdb");
  checkManifest(path);
  const database = await Database.open(path);
  try {
    return { database, format: check(database) };
  } catch (error) {
    await database.close();
    throw error;
  }
}

export function readFormat(database: Database): Format | undefined {
  const [bytes] = database.get(formatKey);
  return bytes && parseFormat(bytes.toString(), formatVersion);
}

/** `HEAD` comes first: a database without one has lost it. */
function createStore(database: Database, folder: string): Format {
  const acknowledged = readHeadFile(headPath(folder)) ?? 0n;
  if (acknowledged > 0n) throw lost(folder, acknowledged, 0n);
  writeNewHead(headPath(folder), 0n);
  const format = newFormat(formatVersion);
  writeFacts(database, format, 0n);
  return format;
}

export function writeFacts(database: Database, format: Format, writeCount: bigint): void {
  const batch = database.batch();
  batch._put(formatKey, Buffer.from(JSON.stringify(format)));
  batch._put(writeCountKey, encodeNumbers(writeCount));
  batch._writeSync({ sync: true });
  batch._clear();
}

/** What was written but not acknowledged before a crash counts from now on: readers will see it. */
function checkHead(database: Database, folder: string): void {
  const path = headPath(folder);
  const acknowledged = readHeadFile(path);
  const stored = readWriteCount(database) ?? 0n;
  if (acknowledged === undefined) throw new StoreError("DATA_LOSS", `${path} is missing. ${wayOut}`, { file: path });
  if (stored < acknowledged) throw lost(folder, acknowledged, stored);
  if (stored > acknowledged) writeNewHead(path, stored);
}

function lost(folder: string, acknowledged: bigint, stored: bigint): StoreError {
  const path = headPath(folder);
  const counts = `${path} knows of ${acknowledged} acknowledged writes, the database beside it holds ${stored}.`;
  return new StoreError("DATA_LOSS", `${counts} ${wayOut}`, {
    file: path,
    acknowledged: String(acknowledged),
    stored: String(stored),
  });
}

/** Only the owner may enter it, for the database's own files are open to all. Makes its entry in its parents durable too. */
function makeFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let path = resolve(folder); path.length >= top.length; path = dirname(path)) {
    syncFolder(path);
    if (path === dirname(path)) return;
  }
}
