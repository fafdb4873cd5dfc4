import type { ListRunsRequest, ListRunsResponse } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { Call } from "../../kit/call.ts";
import { pageSize } from "../../kit/page-token.ts";
import { listRuns as command } from "../commands/list-runs.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: ListRunsRequest, call: Call) => Promise<ListRunsResponse>;

export function listRuns(context: ExportContext): Handler {
  return async (request, { caller }) => {
    const { tenant } = caller;
    const scope = { tenant, method: "ListRuns" };
    const { runs, next } = await command(context, tenant, {
      limit: pageSize(request.pageSize),
      end: context.pageTokens.read(scope, request.pageToken),
    });
    return { runs, nextPageToken: next === undefined ? "" : context.pageTokens.make(scope, next) };
  };
}
