import type {
  RestoreAdapterRequest,
  RestoreAdapterResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkAdapterName } from "../adapters/names.ts";
import { restoreAdapter as command } from "../commands/restore-adapter.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: RestoreAdapterRequest, call: Call) => Promise<RestoreAdapterResponse>;

export function restoreAdapter(context: RegistryContext): Handler {
  return async ({ adapter }, { caller, signal }) => {
    checkAdapterName(adapter);
    return { adapter: await command(context, caller, adapter, signal) };
  };
}
