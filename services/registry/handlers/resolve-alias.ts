import type {
  ResolveAliasRequest,
  ResolveAliasResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { parseVersionReference } from "../adapters/names.ts";
import { resolveAlias as command } from "../commands/resolve-alias.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: ResolveAliasRequest, call: Call) => Promise<ResolveAliasResponse>;

export function resolveAlias(context: RegistryContext): Handler {
  return async ({ name, engine }, { caller }) => {
    return { version: await command(context, caller.tenant, parseVersionReference(name, "name"), engine) };
  };
}
