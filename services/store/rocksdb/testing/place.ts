import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Place } from "../../conformance/harness.ts";
import type { Format } from "../../format.ts";
import { Database } from "../database.ts";
import { formatKey } from "../keys.ts";

/** A new folder of its own. */
export async function createPlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "loraloop-store-"));
  return { config: { kind: "rocksdb", folder }, remove: () => rm(folder, { recursive: true }) };
}

export function folderOf({ config }: Place): string {
  if (config.kind !== "rocksdb") throw new Error("Not a place of these tests.");
  return config.folder;
}

export async function raiseFormat(place: Place): Promise<void> {
  const database = await Database.open(join(folderOf(place), "rocksdb"));
  const format = JSON.parse(String(database.get(formatKey)[0])) as Format;
  const newer = { ...format, version: format.version + 1, oldestReader: format.oldestReader + 1 };
  const batch = database.batch();
  batch._put(formatKey, Buffer.from(JSON.stringify(newer)));
  batch._writeSync({ sync: true });
  await database.close();
}
