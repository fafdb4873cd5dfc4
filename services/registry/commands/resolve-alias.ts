import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { TenantId } from "../../store/store.ts";
import { checkServable } from "../adapters/check-servable.ts";
import type { VersionReference } from "../adapters/names.ts";
import { showVersion } from "../adapters/shown-version.ts";
import type { Reader } from "../adapters/stored-adapters.ts";
import { getVersion } from "../adapters/stored-versions.ts";
import { requireTrusted } from "../signatures/check-signature.ts";

/**
 * The version that may be served under a name. Rejects with ALIAS_NOT_FOUND, VERSION_NOT_FOUND, VERSION_NOT_SERVABLE, SIGNATURE_REQUIRED.
 * @param engine what is to serve it; empty for any
 */
export async function resolveAlias(
  { store }: { readonly store: Reader },
  tenant: TenantId,
  reference: VersionReference,
  engine: string,
): Promise<AdapterVersion> {
  const version = await showVersion(store, tenant, await getVersion(store, tenant, reference));
  checkServable(version, engine);
  await requireTrusted({ store }, tenant, version);
  return version;
}
