import { type AdapterVersion, AdapterVersion_State as State } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { TenantId } from "../../store/store.ts";
import { versionNotServable } from "../adapters/adapter-errors.ts";
import type { VersionReference } from "../adapters/names.ts";
import { showVersion } from "../adapters/shown-version.ts";
import type { Reader } from "../adapters/stored-adapters.ts";
import { getVersion } from "../adapters/stored-versions.ts";
import type { VersionName } from "../keys.ts";
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
  const kept = await getVersion(store, tenant, reference);
  const version = await showVersion(store, tenant, kept);
  if (version.state !== State.STATE_READY) {
    throw versionNotServable(kept.name, version.state, whyNot(version));
  }
  if (engine !== "") checkEngine(kept.name, version, engine);
  await requireTrusted({ store }, tenant, version);
  return version;
}

function whyNot({ state, quarantine }: AdapterVersion): string {
  switch (state) {
    case State.STATE_QUARANTINED:
      return `it is quarantined: ${quarantine?.reason}`;
    case State.STATE_DECLARED:
      return "its files were not checked yet; VerifyVersion checks them";
    default:
      return "it is deleted; RestoreVersion brings it back";
  }
}

function checkEngine(name: VersionName, { state, servability }: AdapterVersion, engine: string): void {
  const found = servability.find((one) => one.engine === engine);
  if (found?.servable === true) return;
  const known = servability.map((one) => one.engine).join(", ");
  const problem = found?.problems.join("; ") ?? `nothing is known of this engine, only of ${known}`;
  throw versionNotServable(name, state, problem, engine);
}
