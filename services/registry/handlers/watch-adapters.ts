import type {
  WatchAdaptersRequest,
  WatchAdaptersResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkAdapterName } from "../adapters/names.ts";
import { watchAdapters as command } from "../commands/watch-adapters.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: WatchAdaptersRequest, call: Call) => AsyncGenerator<WatchAdaptersResponse>;

export function watchAdapters(context: RegistryContext): Handler {
  return async function* ({ afterRevision, adapter }, { caller, signal, drain }) {
    if (adapter !== "") checkAdapterName(adapter);
    yield* command(context, { tenant: caller.tenant, adapter, afterRevision, signal, drain });
  };
}
