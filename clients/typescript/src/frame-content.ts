import { createHash, type Hash } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import type { Batch } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { TruncatedStreamError } from "./errors.ts";
import type { BatchContent } from "./sample-batch.ts";

/** A frame's samples as they were before compression; adds their lines to the digest of the call. */
export function contentOf(batch: Batch, digest: Hash): BatchContent {
  const lines = batch.uncompressedBytes === 0 ? batch.lines : decompress(batch);
  let start = 0;
  for (const bytes of batch.segmentBytes) {
    digest.update(
      createHash("sha256")
        .update(lines.subarray(start, start + bytes))
        .digest(),
    );
    start += bytes;
  }
  if (start !== lines.length) {
    throw new TruncatedStreamError(`The segments of a batch cover ${start} of ${lines.length} bytes.`);
  }
  return { lines, ids: batch.ids, weightsMicros: batch.weightsMicros, indexRuns: batch.indexRuns };
}

function decompress({ lines, uncompressedBytes }: Batch): Uint8Array {
  try {
    const plain = zstdDecompressSync(lines, { maxOutputLength: uncompressedBytes });
    if (plain.length === uncompressedBytes) return plain;
    throw new Error(`${plain.length} bytes came out, ${uncompressedBytes} were due`);
  } catch (error) {
    throw new TruncatedStreamError(`A frame cannot be decompressed: ${(error as Error).message}.`, { cause: error });
  }
}
