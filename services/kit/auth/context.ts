import type { PageTokens } from "../page-token.ts";
import type { TokenContext } from "./tokens.ts";

/** What the handlers and commands of the token service get. */
export interface AuthContext extends TokenContext {
  readonly pageTokens: PageTokens;
}
