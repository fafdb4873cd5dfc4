import type { ArtifactServiceImplementation } from "../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { CallExtension } from "../kit/call.ts";
import type { RegistryContext } from "./context.ts";

/** Every method of `ArtifactService` with its handler. */
export function artifactService(_context: RegistryContext): Partial<ArtifactServiceImplementation<CallExtension>> {
  return {};
}
