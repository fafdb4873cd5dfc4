import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { anyObject, parseStrict } from "../strict-json.ts";
import { compressions, fileFormats } from "./shard.ts";

/** Name of the index in a finished folder. */
export const indexFile = "loraloop-export.json";

const count = z.int().nonnegative();
const hex = z.string().regex(/^[0-9a-f]{64}$/);

/** How the samples are cut and written. */
export const fileOptions = z.strictObject({
  format: z.enum(fileFormats),
  compression: z.enum(compressions),
  /** Most bytes of lines in a shard, before compression, unless one line is longer; 0 = one shard holds all. */
  shard_size: count,
  /** One file `training.jsonl`, with adapter_metadata.json and quality_report.json. */
  adapter_set: z.boolean(),
});
export type FileOptions = z.output<typeof fileOptions>;

/** One file of samples. */
export const shardEntry = z.strictObject({
  /** Below the folder, with `/`. */
  path: z.string().regex(/^(data\/[a-z][a-z0-9_-]*\.[a-z.]+|training\.(jsonl|part))$/),
  samples: count,
  bytes: count,
  /** Bytes of its samples as JSON lines. */
  line_bytes: count,
  sha256: hex,
});
export type ShardEntry = z.output<typeof shardEntry>;

/** One split: a snapshot, and its samples in order in the shards. */
export const splitEntry = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_-]*$/),
  snapshot: hex,
  digest: hex,
  samples: count,
  bytes: count,
  statistics: anyObject,
  shards: z.array(shardEntry),
});
export type SplitEntry = z.output<typeof splitEntry>;

/** What the samples were made of. */
export const aboutSource = z.strictObject({
  /** Empty for an unnamed dataset. */
  dataset: z.string(),
  dataset_version: count,
  spec: anyObject,
  revision: count,
  as_of: z.string(),
  renderer_version: count,
  weighted: z.boolean(),
});
export type AboutSource = z.output<typeof aboutSource>;

const exportIndex = aboutSource.extend({
  version: z.literal(1),
  files: fileOptions,
  /** Dotted paths of values that are of more than one type: in Parquet, columns of JSON text. */
  mixed: z.array(z.string()),
  splits: z.array(splitEntry),
});
export type ExportIndex = z.output<typeof exportIndex>;

/** Undefined where the folder has none. Throws InputError where it cannot be used. */
export function readIndex(folder: string): ExportIndex | undefined {
  const path = join(folder, indexFile);
  return existsSync(path) ? parseIndex(readFileSync(path, "utf8"), path) : undefined;
}

export function parseIndex(text: string, what: string): ExportIndex {
  return parseStrict(exportIndex, text, what);
}

export function indexText(index: ExportIndex): string {
  return `${JSON.stringify(index, undefined, 2)}\n`;
}

/** Whole or not at all, and on disk. */
export function writeWhole(path: string, text: string): void {
  const file = openSync(`${path}.new`, "w");
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}
