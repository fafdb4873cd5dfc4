import type {
  GetArtifactRequest,
  GetArtifactResponse,
} from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkDigest } from "../artifacts/artifact-digest.ts";
import { getArtifact as command } from "../commands/get-artifact.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: GetArtifactRequest, call: Call) => Promise<GetArtifactResponse>;

export function getArtifact({ store }: RegistryContext): Handler {
  return async ({ digest }, { caller }) => {
    checkDigest(digest);
    return { artifact: await command(store, caller.tenant, digest) };
  };
}
