import type { Token } from "../../../proto/gen/loraloop/auth/v1/token_service.ts";
import type { StoredToken } from "../../../proto/gen/loraloop/storage/v1/token.ts";
import { toTimestamp } from "../timestamp.ts";

/** A token as clients see it: without its digest. */
export function tokenMessage(id: string, stored: StoredToken): Token {
  return {
    id,
    description: stored.description,
    tenant: stored.tenant,
    scopes: stored.scopes,
    createTime: toTimestamp(stored.createTimeMicros),
    expireTime: stored.expireTimeMicros === 0n ? undefined : toTimestamp(stored.expireTimeMicros),
  };
}
