import type {
  ReleaseVersionRequest,
  ReleaseVersionResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { parseVersionReference } from "../adapters/names.ts";
import { releaseVersion as command } from "../commands/release-version.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: ReleaseVersionRequest, call: Call) => Promise<ReleaseVersionResponse>;

export function releaseVersion(context: RegistryContext): Handler {
  return async ({ version }, { caller }) => {
    return { version: await command(context, caller.tenant, parseVersionReference(version)) };
  };
}
