import type { GetAdapterRequest, GetAdapterResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkAdapterName } from "../adapters/names.ts";
import { getAdapter as command } from "../commands/get-adapter.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: GetAdapterRequest, call: Call) => Promise<GetAdapterResponse>;

export function getAdapter(context: RegistryContext): Handler {
  return async ({ adapter, includeDeleted }, { caller }) => {
    checkAdapterName(adapter);
    return { adapter: await command(context, caller.tenant, adapter, includeDeleted) };
  };
}
