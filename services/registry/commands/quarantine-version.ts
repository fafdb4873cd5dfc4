import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { Caller } from "../../kit/call.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import { type ChangeContext, changeVersion } from "../adapters/change-version.ts";
import type { VersionReference } from "../adapters/names.ts";

/** Takes a version out of service; the same reason again changes nothing. Rejects with VERSION_NOT_FOUND, ALIAS_NOT_FOUND, ADAPTER_NOT_FOUND. */
export function quarantineVersion(
  context: ChangeContext,
  { tenant, tokenId: actor }: Caller,
  reference: VersionReference,
  reason: string,
): Promise<AdapterVersion> {
  return changeVersion(context, tenant, reference, ({ state }) => {
    if (state.quarantine?.reason === reason) return undefined;
    return { state: { ...state, quarantine: { reason, actor, time: toTimestamp(context.clock.now()) } } };
  });
}
