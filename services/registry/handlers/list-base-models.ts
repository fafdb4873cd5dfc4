import type {
  ListBaseModelsRequest,
  ListBaseModelsResponse,
} from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { Call } from "../../kit/call.ts";
import { nextPageToken, readPosition } from "../../kit/list-position.ts";
import { pageSize } from "../../kit/page-token.ts";
import * as command from "../commands/list-base-models.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: ListBaseModelsRequest, call: Call) => Promise<ListBaseModelsResponse>;

export function listBaseModels(context: RegistryContext): Handler {
  return async (request, { caller: { tenant } }) => {
    const limit = pageSize(request.pageSize);
    const scope = { tenant, method: "ListBaseModels" };
    const position = await readPosition(context, scope, request.pageToken);
    const { baseModels, next } = await command.listBaseModels(context, tenant, { limit, ...position });
    return { baseModels, nextPageToken: nextPageToken(context, scope, position.at, next) };
  };
}
