import type { ListHoldsRequest, ListHoldsResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { pageSize } from "../../kit/page-token.ts";
import { listHolds as command } from "../commands/list-holds.ts";
import type { ExportContext } from "../context.ts";
import { checkHolderPrefix } from "../snapshot/hold-fields.ts";

type Handler = (request: ListHoldsRequest, call: Call) => Promise<ListHoldsResponse>;

export function listHolds(context: ExportContext): Handler {
  return async ({ holderPrefix: prefix, bySnapshot, pageToken, ...request }, { caller }) => {
    const { tenant } = caller;
    checkHolderPrefix(prefix);
    const scope = { tenant, method: "ListHolds", fields: [prefix, String(bySnapshot)] };
    const start = context.pageTokens.read(scope, pageToken);
    const list = { prefix, bySnapshot, limit: pageSize(request.pageSize), start };
    const { holds, next } = await command(context, tenant, list);
    return { holds, nextPageToken: next === undefined ? "" : context.pageTokens.make(scope, next) };
  };
}
