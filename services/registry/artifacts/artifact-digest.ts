import { createHash } from "node:crypto";
import type { ArtifactFile } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { sha256Form } from "../../kit/sha256-form.ts";
import { comparePaths } from "./artifact-path.ts";

/** The name of a set of files, as `Artifact.digest` says: 64 hex digits. The order of the files does not matter. */
export function artifactDigest(files: readonly Pick<ArtifactFile, "path" | "digest">[]): string {
  const hash = createHash("sha256");
  for (const { digest, path } of files.toSorted((a, b) => comparePaths(a.path, b.path))) {
    hash.update(`${digest}  ${path}\n`);
  }
  return hash.digest("hex");
}

/** Whether a text is in the form of a digest. */
export function isDigest(text: string): boolean {
  return sha256Form.test(text);
}

/** Throws FIELD_INVALID for what can be no digest. */
export function checkDigest(digest: string): void {
  if (!isDigest(digest)) throw fieldInvalid("digest", digest, "64 hex digits in lower case");
}
