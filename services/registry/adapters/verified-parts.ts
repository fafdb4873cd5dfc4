import type { Artifact, ArtifactFile } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { BaseModel, BaseModelReference } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { artifactDigest } from "../artifacts/artifact-digest.ts";

/** The base model as a version names it. */
export function verifiedBase({ name, revision, weightsDigest, tokenizerDigest }: BaseModel): BaseModelReference {
  return { name, revision, weightsDigest, tokenizerDigest };
}

/** The artifact with the files that were read where it lies. */
export function verifiedArtifact({ uri, kept }: Artifact, files: readonly ArtifactFile[]): Artifact {
  const byteCount = files.reduce((sum, file) => sum + file.byteCount, 0n);
  return { digest: artifactDigest(files), uri, files: [...files], byteCount, kept };
}
