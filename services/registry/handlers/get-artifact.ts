import type {
  GetArtifactRequest,
  GetArtifactResponse,
} from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkDigest } from "../artifacts/artifact-digest.ts";
import { findArtifact } from "../artifacts/stored-artifacts.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: GetArtifactRequest, call: Call) => Promise<GetArtifactResponse>;

export function getArtifact({ store }: RegistryContext): Handler {
  return async ({ digest }, { caller }) => {
    checkDigest(digest);
    return { artifact: await findArtifact(store, caller.tenant, digest) };
  };
}
