import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { ArtifactFile } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { TenantId } from "../../store/store.ts";
import { versionNotServable } from "../adapters/adapter-errors.ts";
import { changeVersion } from "../adapters/change-version.ts";
import type { VersionReference } from "../adapters/names.ts";
import { showVersion } from "../adapters/shown-version.ts";
import type { KeptVersion } from "../adapters/stored-versions.ts";
import type { RegistryContext } from "../context.ts";
import { expectSignature } from "../signatures/check-signature.ts";

/**
 * Adds a signature over a version's files, or replaces it; the same again changes nothing. Rejects with SIGNATURE_INVALID, LIMIT_EXCEEDED, and as
 * `changeVersion` does; VERSION_NOT_SERVABLE for an import whose files were never read.
 */
export function signVersion(
  context: RegistryContext,
  tenant: TenantId,
  reference: VersionReference,
  bundleJson: string,
): Promise<AdapterVersion> {
  return changeVersion(context, tenant, reference, async (version) => {
    const files = await filesOf(context, tenant, version);
    const { signature, ...expected } = await expectSignature(context, tenant, files, bundleJson);
    const previous = version.state.signature;
    const isThere = previous?.bundleJson === bundleJson && previous.keyId === signature?.keyId;
    return isThere ? undefined : { state: { ...version.state, signature }, ...expected };
  });
}

async function filesOf(
  { store }: RegistryContext,
  tenant: TenantId,
  version: KeptVersion,
): Promise<readonly ArtifactFile[]> {
  const { artifact, state } = await showVersion(store, tenant, version);
  if (artifact !== undefined && artifact.files.length > 0) return artifact.files;
  throw versionNotServable(version.name, state, "its files were never read; VerifyVersion reads them");
}
