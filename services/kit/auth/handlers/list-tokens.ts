import type { ListTokensRequest, ListTokensResponse } from "../../../../proto/gen/loraloop/auth/v1/token_service.ts";
import type { Call } from "../../call.ts";
import { pageSize } from "../../page-token.ts";
import * as commands from "../commands/list-tokens.ts";
import type { AuthContext } from "../context.ts";
import { tokenMessage } from "../token-message.ts";

export function listTokens(context: AuthContext) {
  return async (request: ListTokensRequest, call: Call): Promise<ListTokensResponse> => {
    const scope = { tenant: call.caller.tenant, method: "ListTokens" };
    const after = context.pageTokens.read(scope, request.pageToken);
    const page = await commands.listTokens(context, call.caller, {
      limit: pageSize(request.pageSize),
      ...(after && { after: Buffer.from(after).toString() }),
    });
    return {
      tokens: page.tokens.map(([id, stored]) => tokenMessage(id, stored)),
      nextPageToken: page.next === undefined ? "" : context.pageTokens.make(scope, Buffer.from(page.next)),
    };
  };
}
