import type {
  ListAliasMovesRequest,
  ListAliasMovesResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { pageSize } from "../../kit/page-token.ts";
import { checkAdapterName, checkAliasName } from "../adapters/names.ts";
import { listAliasMoves as command } from "../commands/list-alias-moves.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: ListAliasMovesRequest, call: Call) => Promise<ListAliasMovesResponse>;

export function listAliasMoves(context: RegistryContext): Handler {
  return async ({ adapter, alias, pageToken, ...request }, { caller }) => {
    const { tenant } = caller;
    checkAdapterName(adapter);
    if (alias !== "") checkAliasName(alias);
    const scope = { tenant, method: "ListAliasMoves", fields: [adapter, alias] };
    const limit = pageSize(request.pageSize);
    const end = context.pageTokens.read(scope, pageToken);
    const { moves, next } = await command(context, tenant, { adapter, alias, limit, end });
    return { moves, nextPageToken: next === undefined ? "" : context.pageTokens.make(scope, next) };
  };
}
