import type { Artifact } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { KeptVersion } from "./stored-versions.ts";

/** A version's files: as registration found them, or VerifyVersion; absent for an import without files. */
export function artifactOf({ stored, state }: KeptVersion): Artifact | undefined {
  return state.found?.artifact ?? stored.version?.artifact;
}
