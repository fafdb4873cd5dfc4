import type {
  ListDatasetsRequest,
  ListDatasetsResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { nextPageToken, readPosition } from "../../kit/list-position.ts";
import { pageSize } from "../../kit/page-token.ts";
import * as command from "../commands/list-datasets.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: ListDatasetsRequest, call: Call) => Promise<ListDatasetsResponse>;

export function listDatasets(context: ExportContext): Handler {
  return async (request, { caller }) => {
    const { tenant } = caller;
    const limit = pageSize(request.pageSize);
    const scope = { tenant, method: "ListDatasets" };
    const position = await readPosition(context, scope, request.pageToken);
    const { datasets, next } = await command.listDatasets(context, tenant, { limit, ...position });
    return { datasets, nextPageToken: nextPageToken(context, scope, position.at, next) };
  };
}
