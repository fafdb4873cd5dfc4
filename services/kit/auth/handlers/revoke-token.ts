import type { RevokeTokenRequest, RevokeTokenResponse } from "../../../../proto/gen/loraloop/auth/v1/token_service.ts";
import type { Call } from "../../call.ts";
import * as commands from "../commands/revoke-token.ts";
import type { AuthContext } from "../context.ts";

export function revokeToken(context: AuthContext) {
  return async (request: RevokeTokenRequest, call: Call): Promise<RevokeTokenResponse> => {
    await commands.revokeToken(context, call.caller, request.id);
    return {};
  };
}
