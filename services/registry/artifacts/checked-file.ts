import { createHash } from "node:crypto";
import type { ArtifactFile } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { fileChanged } from "./artifact-errors.ts";
import type { ArtifactFiles } from "./artifact-store.ts";

/** The bytes of a file that has this length and digest. Throws ADAPTER_FILE_CHANGED where it has others, at the latest after the last byte; ADAPTER_FILE_MISSING. */
export async function* checkedFile(
  files: ArtifactFiles,
  { path, byteCount, digest }: ArtifactFile,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let left = byteCount;
  for await (const piece of files.stream(path)) {
    left -= BigInt(piece.length);
    if (left < 0n) throw fileChanged(path, `${byteCount} bytes`, "a longer file");
    hash.update(piece);
    yield piece;
  }
  const actual = hash.digest("hex");
  if (actual !== digest) throw fileChanged(path, `the digest ${digest}`, `a file with the digest ${actual}`);
}
