import type {
  DownloadArtifactRequest,
  DownloadArtifactResponse,
} from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { Call } from "../../kit/call.ts";
import { parseVersionReference } from "../adapters/names.ts";
import { downloadArtifact as command } from "../commands/download-artifact.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: DownloadArtifactRequest, call: Call) => AsyncGenerator<DownloadArtifactResponse>;

export function downloadArtifact(context: RegistryContext): Handler {
  return async function* ({ version, allowUnservable }, { caller, signal, drain }) {
    const reference = parseVersionReference(version);
    const ended = AbortSignal.any([signal, drain]);
    for await (const message of command(context, caller, { reference, allowUnservable })) {
      ended.throwIfAborted();
      yield { message };
    }
  };
}
