import type { Artifact, ArtifactFile } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { artifactDigest } from "./artifact-digest.ts";

/** The artifact that these files are, at a place. */
export function artifactOfFiles(
  files: readonly ArtifactFile[],
  { uri, kept }: Pick<Artifact, "uri" | "kept">,
): Artifact {
  const byteCount = files.reduce((sum, file) => sum + file.byteCount, 0n);
  return { digest: artifactDigest(files), uri, files: [...files], byteCount, kept };
}
