import type { MoveAliasRequest, MoveAliasResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkReason } from "../adapters/check-fields.ts";
import { checkAdapterName, checkAliasName } from "../adapters/names.ts";
import { moveAlias as command } from "../commands/move-alias.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: MoveAliasRequest, call: Call) => Promise<MoveAliasResponse>;

export function moveAlias(context: RegistryContext): Handler {
  return async ({ adapter, alias, version, expectedRevision, reason }, { caller }) => {
    checkAdapterName(adapter);
    checkAliasName(alias);
    checkReason(reason, false);
    const move = { adapter, alias, version, expectedRevision, reason, actor: caller.tokenId };
    return { move: await command(context, caller.tenant, move) };
  };
}
