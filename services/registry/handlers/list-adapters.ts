import type {
  ListAdaptersRequest,
  ListAdaptersResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { nextPageToken, readPosition } from "../../kit/list-position.ts";
import { pageSize } from "../../kit/page-token.ts";
import { adapterFilter } from "../adapters/list-filter.ts";
import { listAdapters as command } from "../commands/list-adapters.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: ListAdaptersRequest, call: Call) => Promise<ListAdaptersResponse>;

export function listAdapters(context: RegistryContext): Handler {
  return async ({ filter, includeDeleted, pageToken, ...request }, { caller }) => {
    const { tenant } = caller;
    const matches = filter === "" ? undefined : adapterFilter(filter);
    const limit = pageSize(request.pageSize);
    const scope = { tenant, method: "ListAdapters", fields: [filter, String(includeDeleted)] };
    const position = await readPosition(context, scope, pageToken);
    const { adapters, next } = await command(context, tenant, { matches, includeDeleted, limit, ...position });
    const { at } = position;
    return { adapters, nextPageToken: nextPageToken(context, scope, at, next), revision: at };
  };
}
