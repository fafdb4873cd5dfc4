import type {
  ListVersionsRequest,
  ListVersionsResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { nextPageToken, readPosition } from "../../kit/list-position.ts";
import { pageSize } from "../../kit/page-token.ts";
import { versionFilter } from "../adapters/list-filter.ts";
import { checkAdapterName } from "../adapters/names.ts";
import { listVersions as command } from "../commands/list-versions.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: ListVersionsRequest, call: Call) => Promise<ListVersionsResponse>;

export function listVersions(context: RegistryContext): Handler {
  return async ({ adapter, filter, includeDeleted, pageToken, ...request }, { caller }) => {
    const { tenant } = caller;
    if (adapter !== "") checkAdapterName(adapter);
    const matches = filter === "" ? undefined : versionFilter(filter);
    const limit = pageSize(request.pageSize);
    const scope = { tenant, method: "ListVersions", fields: [adapter, filter, String(includeDeleted)] };
    const position = await readPosition(context, scope, pageToken);
    const list = { adapter, matches, includeDeleted, limit, ...position };
    const { versions, next } = await command(context, tenant, list);
    const { at } = position;
    return { versions, nextPageToken: nextPageToken(context, scope, at, next), revision: at };
  };
}
