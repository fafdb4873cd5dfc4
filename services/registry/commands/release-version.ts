import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { TenantId } from "../../store/store.ts";
import { type ChangeContext, changeVersion } from "../adapters/change-version.ts";
import type { VersionReference } from "../adapters/names.ts";

/** Ends a quarantine, if there is one. Rejects with VERSION_NOT_FOUND, ALIAS_NOT_FOUND, ADAPTER_NOT_FOUND. */
export function releaseVersion(
  context: ChangeContext,
  tenant: TenantId,
  reference: VersionReference,
): Promise<AdapterVersion> {
  return changeVersion(context, tenant, reference, ({ state }) =>
    state.quarantine === undefined ? undefined : { state: { ...state, quarantine: undefined } },
  );
}
