import type {
  DeleteVersionRequest,
  DeleteVersionResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { parseVersionName } from "../adapters/names.ts";
import { deleteVersion as command } from "../commands/delete-version.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: DeleteVersionRequest, call: Call) => Promise<DeleteVersionResponse>;

export function deleteVersion(context: RegistryContext): Handler {
  return async ({ version }, { caller }) => {
    await command(context, caller, parseVersionName(version));
    return {};
  };
}
