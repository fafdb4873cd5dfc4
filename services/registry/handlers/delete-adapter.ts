import type {
  DeleteAdapterRequest,
  DeleteAdapterResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkAdapterName } from "../adapters/names.ts";
import { deleteAdapter as command } from "../commands/delete-adapter.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: DeleteAdapterRequest, call: Call) => Promise<DeleteAdapterResponse>;

export function deleteAdapter(context: RegistryContext): Handler {
  return async ({ adapter }, { caller }) => {
    checkAdapterName(adapter);
    await command(context, caller.tenant, adapter);
    return {};
  };
}
