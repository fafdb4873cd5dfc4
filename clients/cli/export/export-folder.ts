import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../failure.ts";
import { type ExportIndex, type FileOptions, indexFile, readIndex, type ShardEntry } from "./export-index.ts";
import { type ExportState, readState, stateFile } from "./export-state.ts";
import { fileExtension } from "./shard.ts";

export type Found =
  | { readonly kind: "nothing" }
  | { readonly kind: "unfinished"; readonly state: ExportState }
  | { readonly kind: "finished"; readonly index: ExportIndex };

/** Throws InputError where the folder holds something else. */
export function inspectFolder(folder: string): Found {
  const index = readIndex(folder);
  if (index !== undefined) return { kind: "finished", index };
  const state = readState(folder);
  if (state !== undefined) return { kind: "unfinished", state };
  const names = existsSync(folder) ? readdirSync(folder) : [];
  if (names.every((name) => name === `${stateFile}.new`)) return { kind: "nothing" };
  throw new InputError(
    `${folder} is not empty, and neither ${indexFile} nor ${stateFile} is there: name another folder.`,
  );
}

/** Where shard `number` of a split lies until all are finished. */
export function partPath(files: FileOptions, split: string, number: number): string {
  return files.adapter_set ? "training.part" : `data/${split}-${fiveDigits(number)}.part`;
}

/** Where shard `number` of `count` lies in the end. */
export function shardPath(files: FileOptions, split: string, number: number, count: number): string {
  const extension = fileExtension(files.format, files.compression);
  return files.adapter_set
    ? "training.jsonl"
    : `data/${split}-${fiveDigits(number)}-of-${fiveDigits(count)}${extension}`;
}

function fiveDigits(number: number): string {
  return String(number).padStart(5, "0");
}

export function removeFiles(folder: string, paths: Iterable<string>): void {
  for (const path of paths) rmSync(join(folder, path), { force: true });
}

/** Sums up what some shards hold. */
export function sumOf(shards: readonly ShardEntry[], key: "samples" | "bytes" | "line_bytes"): number {
  return shards.reduce((sum, shard) => sum + shard[key], 0);
}
