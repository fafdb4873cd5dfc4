import type {
  ListCollectionsRequest,
  ListCollectionsResponse,
} from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import type { Call } from "../../kit/call.ts";
import { pageSize } from "../../kit/page-token.ts";
import * as command from "../commands/list-collections.ts";
import type { ExportContext } from "../context.ts";
import { decodePosition, encodePosition } from "../corpus/list-position.ts";

type Handler = (request: ListCollectionsRequest, call: Call) => Promise<ListCollectionsResponse>;

export function listCollections(context: ExportContext): Handler {
  return async (request, { caller }) => {
    const { tenant } = caller;
    const limit = pageSize(request.pageSize);
    const scope = { tenant, method: "ListCollections" };
    const token = context.pageTokens.read(scope, request.pageToken);
    const position = token && decodePosition(token);
    const at = position?.at ?? (await context.store.head(tenant)).revision;
    const { collections, next } = await command.listCollections(context, tenant, { limit, at, start: position?.start });
    const nextPageToken = next ? context.pageTokens.make(scope, encodePosition({ at, start: next })) : "";
    return { collections, nextPageToken };
  };
}
