import type {
  ListDatasetsRequest,
  ListDatasetsResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { pageSize } from "../../kit/page-token.ts";
import * as command from "../commands/list-datasets.ts";
import type { ExportContext } from "../context.ts";
import { decodePosition, encodePosition } from "../corpus/list-position.ts";

type Handler = (request: ListDatasetsRequest, call: Call) => Promise<ListDatasetsResponse>;

export function listDatasets(context: ExportContext): Handler {
  return async (request, { caller }) => {
    const { tenant } = caller;
    const limit = pageSize(request.pageSize);
    const scope = { tenant, method: "ListDatasets" };
    const token = context.pageTokens.read(scope, request.pageToken);
    const position = token && decodePosition(token);
    const at = position?.at ?? (await context.store.head(tenant)).revision;
    const { datasets, next } = await command.listDatasets(context, tenant, { limit, at, start: position?.start });
    const nextPageToken = next ? context.pageTokens.make(scope, encodePosition({ at, start: next })) : "";
    return { datasets, nextPageToken };
  };
}
