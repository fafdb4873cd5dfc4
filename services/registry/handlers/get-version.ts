import type { GetVersionRequest, GetVersionResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { parseVersionReference } from "../adapters/names.ts";
import { getVersion as command } from "../commands/get-version.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: GetVersionRequest, call: Call) => Promise<GetVersionResponse>;

export function getVersion(context: RegistryContext): Handler {
  return async ({ version }, { caller }) => {
    return { version: await command(context, caller.tenant, parseVersionReference(version)) };
  };
}
