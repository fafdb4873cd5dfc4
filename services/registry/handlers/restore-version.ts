import type {
  RestoreVersionRequest,
  RestoreVersionResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { parseVersionName } from "../adapters/names.ts";
import { restoreVersion as command } from "../commands/restore-version.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: RestoreVersionRequest, call: Call) => Promise<RestoreVersionResponse>;

export function restoreVersion(context: RegistryContext): Handler {
  return async ({ version }, { caller, signal }) => {
    return { version: await command(context, caller, parseVersionName(version), signal) };
  };
}
