import type { PutAdapterRequest, PutAdapterResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkBytes, checkMetadata } from "../adapters/check-fields.ts";
import { checkAdapterName } from "../adapters/names.ts";
import { putAdapter as command } from "../commands/put-adapter.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: PutAdapterRequest, call: Call) => Promise<PutAdapterResponse>;

export function putAdapter(context: RegistryContext): Handler {
  return async ({ adapter, description, metadata, expectedRevision }, { caller }) => {
    checkAdapterName(adapter);
    checkBytes(description, "adapter_description_bytes", "The length of description");
    checkMetadata(metadata);
    return { adapter: await command(context, caller, { adapter, description, metadata, expectedRevision }) };
  };
}
