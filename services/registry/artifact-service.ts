import type { ArtifactServiceImplementation } from "../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { CallExtension } from "../kit/call.ts";
import type { RegistryContext } from "./context.ts";
import { downloadArtifact } from "./handlers/download-artifact.ts";
import { getArtifact } from "./handlers/get-artifact.ts";
import { uploadArtifact } from "./handlers/upload-artifact.ts";

/** Every method of `ArtifactService` with its handler. */
export function artifactService(context: RegistryContext): ArtifactServiceImplementation<CallExtension> {
  return {
    uploadArtifact: uploadArtifact(context),
    getArtifact: getArtifact(context),
    downloadArtifact: downloadArtifact(context),
  };
}
