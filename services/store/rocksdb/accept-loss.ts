import { newFormat, randomId } from "../format.ts";
import { readWriteCount } from "./facts.ts";
import { headPath, readHeadFile, writeNewHead } from "./head-file.ts";
import { formatVersion, readFormat, withDatabase, writeFacts } from "./open-folder.ts";

/** Counts of writes as they were found. */
export interface Loss {
  /** What `HEAD` said; absent where it is missing or damaged. */
  readonly acknowledged?: bigint;
  readonly stored: bigint;
}

/**
 * Takes what the folder holds as all there is: `HEAD` follows the database, and the new incarnation tells
 * everyone with a resume point that history has changed. The store must be closed.
 */
export async function acceptLoss(folder: string): Promise<Loss> {
  const acknowledged = acknowledgedWrites(folder);
  let stored = 0n;
  const { database } = await withDatabase(folder, (opened) => {
    stored = readWriteCount(opened) ?? 0n;
    const format = { ...(readFormat(opened) ?? newFormat(formatVersion)), incarnation: randomId() };
    writeFacts(opened, format, stored);
    writeNewHead(headPath(folder), stored);
    return format;
  });
  await database.close();
  return { stored, ...(acknowledged === undefined ? {} : { acknowledged }) };
}

function acknowledgedWrites(folder: string): bigint | undefined {
  try {
    return readHeadFile(headPath(folder));
  } catch {
    return undefined;
  }
}
