import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { type ExportIndex, indexFile } from "../../clients/cli/export/export-index.ts";

/** SHA-256 of every file below a folder, by its path. */
export function digestsBelow(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  const files = paths.filter((path) => statSync(join(folder, path)).isFile());
  return Object.fromEntries(files.map((path) => [path, sha256(readFileSync(join(folder, path)))]));
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function readExportIndex(folder: string): ExportIndex {
  return JSON.parse(readFileSync(join(folder, indexFile), "utf8")) as ExportIndex;
}

/** The lines of a split's JSONL files. Throws where a file is not what the index says. */
export function readShards(folder: string, split = "train"): Buffer {
  const shards = readExportIndex(folder).splits.find(({ name }) => name === split)?.shards ?? [];
  return Buffer.concat(
    shards.map((shard) => {
      const bytes = readFileSync(join(folder, shard.path));
      if (sha256(bytes) !== shard.sha256 || bytes.length !== shard.bytes) throw new Error(`${shard.path} is damaged.`);
      const lines = unpack(shard.path, bytes);
      const count = lines.toString().split("\n").length - 1;
      if (lines.length !== shard.line_bytes || count !== shard.samples) throw new Error(`${shard.path}: wrong counts.`);
      return lines;
    }),
  );
}

function unpack(path: string, bytes: Buffer): Buffer {
  if (path.endsWith(".gz")) return gunzipSync(bytes);
  return path.endsWith(".zst") ? zstdDecompressSync(bytes) : bytes;
}
