import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { TenantId } from "../../store/store.ts";
import type { VersionReference } from "../adapters/names.ts";
import { showVersion } from "../adapters/shown-version.ts";
import type { Reader } from "../adapters/stored-adapters.ts";
import { getVersion as getKeptVersion } from "../adapters/stored-versions.ts";

/** A version, whatever its state. Rejects with VERSION_NOT_FOUND, ALIAS_NOT_FOUND. */
export async function getVersion(
  { store }: { readonly store: Reader },
  tenant: TenantId,
  reference: VersionReference,
): Promise<AdapterVersion> {
  return showVersion(store, tenant, await getKeptVersion(store, tenant, reference));
}
