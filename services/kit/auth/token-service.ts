import type { TokenServiceImplementation } from "../../../proto/gen/loraloop/auth/v1/token_service.ts";
import type { CallExtension } from "../call.ts";
import type { AuthContext } from "./context.ts";
import { createToken } from "./handlers/create-token.ts";
import { listTokens } from "./handlers/list-tokens.ts";
import { revokeToken } from "./handlers/revoke-token.ts";

export function tokenService(context: AuthContext): TokenServiceImplementation<CallExtension> {
  return {
    createToken: createToken(context),
    listTokens: listTokens(context),
    revokeToken: revokeToken(context),
  };
}
