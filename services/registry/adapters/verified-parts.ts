import type { Artifact, ArtifactFile } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { BaseModel, BaseModelReference } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { artifactOfFiles } from "../artifacts/artifact-of-files.ts";

/** The base model as a version names it. */
export function verifiedBase({ name, revision, weightsDigest, tokenizerDigest }: BaseModel): BaseModelReference {
  return { name, revision, weightsDigest, tokenizerDigest };
}

/** The artifact with the files that were read where it lies. */
export function verifiedArtifact(artifact: Artifact, files: readonly ArtifactFile[]): Artifact {
  return artifactOfFiles(files, artifact);
}
