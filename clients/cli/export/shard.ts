import type { Sample } from "../../typescript/src/index.ts";
import { openJsonLinesShard } from "./json-lines-shard.ts";
import { openParquetShard } from "./parquet-shard.ts";
import type { StructType } from "./sample-type.ts";
import type { FileDigest } from "./shard-file.ts";

export const fileFormats = ["jsonl", "parquet"] as const;
export type FileFormat = (typeof fileFormats)[number];
export const compressions = ["none", "gzip", "zstd"] as const;
export type Compression = (typeof compressions)[number];

/** A file of samples that is being written. Its bytes follow from its samples alone, however they come. */
export interface Shard {
  /** `line` is the sample as JSON with its line feed; it may change after the call. A promise, where it has to be waited for. */
  add(line: Uint8Array, sample: Sample): Promise<void> | undefined;
  /** Puts everything on disk and returns how many bytes that are; undefined for a kind of file that cannot be continued. */
  save(): number | undefined;
  finish(): Promise<FileDigest>;
  /** Closes an unfinished file. */
  close(): void;
}

export interface ShardOptions {
  readonly format: FileFormat;
  readonly compression: Compression;
  /** Goes on after so many bytes, where `save` said so. */
  readonly keep: number;
  /** Type of all samples that were added up to now, and of those that will be. */
  readonly type: () => StructType;
}

export function openShard(path: string, options: ShardOptions): Promise<Shard> {
  return options.format === "jsonl" ? openJsonLinesShard(path, options) : openParquetShard(path, options);
}

/** `.jsonl.gz`; Parquet compresses inside. */
export function fileExtension(format: FileFormat, compression: Compression): string {
  const packed = { none: "", gzip: ".gz", zstd: ".zst" }[compression];
  return format === "parquet" ? ".parquet" : `.jsonl${packed}`;
}
