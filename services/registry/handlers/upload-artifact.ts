import type {
  UploadArtifactRequest,
  UploadArtifactResponse,
} from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { Call } from "../../kit/call.ts";
import { limits } from "../../kit/limits.ts";
import { untilAborted } from "../../kit/until-aborted.ts";
import { untilIdle } from "../../kit/until-idle.ts";
import { artifactInvalid } from "../artifacts/artifact-errors.ts";
import { uploadArtifact as command } from "../commands/upload-artifact.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (requests: AsyncIterable<UploadArtifactRequest>, call: Call) => Promise<UploadArtifactResponse>;

export function uploadArtifact(context: RegistryContext): Handler {
  return async (requests, { caller, signal, drain }) => {
    const coming = untilEnded(requests, AbortSignal.any([signal, drain]));
    const messages = untilIdle(coming, limits.upload_idle_seconds, idle);
    return { artifact: await command(context, caller.tenant, messages) };
  };
}

function idle(): Error {
  return artifactInvalid(
    `No message came for ${limits.upload_idle_seconds} seconds (upload_idle_seconds); send it again.`,
  );
}

/** The messages; throws where the call was cancelled or the server stops, which else looks like their end. */
async function* untilEnded(
  requests: AsyncIterable<UploadArtifactRequest>,
  ended: AbortSignal,
): AsyncGenerator<UploadArtifactRequest["message"]> {
  for await (const { message } of untilAborted(requests, ended)) yield message;
  ended.throwIfAborted();
}
