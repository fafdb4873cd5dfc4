import type {
  ListCollectionsRequest,
  ListCollectionsResponse,
} from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import type { Call } from "../../kit/call.ts";
import { nextPageToken, readPosition } from "../../kit/list-position.ts";
import { pageSize } from "../../kit/page-token.ts";
import * as command from "../commands/list-collections.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: ListCollectionsRequest, call: Call) => Promise<ListCollectionsResponse>;

export function listCollections(context: ExportContext): Handler {
  return async (request, { caller }) => {
    const { tenant } = caller;
    const limit = pageSize(request.pageSize);
    const scope = { tenant, method: "ListCollections" };
    const position = await readPosition(context, scope, request.pageToken);
    const { collections, next } = await command.listCollections(context, tenant, { limit, ...position });
    return { collections, nextPageToken: nextPageToken(context, scope, position.at, next) };
  };
}
