import type { Caller } from "../../kit/call.ts";
import type { TenantId } from "../../store/store.ts";
import { versionInUse } from "../adapters/adapter-errors.ts";
import { expectNoNewUse } from "../adapters/adapter-use.ts";
import { changeAnyVersion, type VersionChange } from "../adapters/change-version.ts";
import { noChanges } from "../adapters/changes.ts";
import type { KeptVersion } from "../adapters/stored-versions.ts";
import { useOfVersion } from "../adapters/uses.ts";
import { artifactOf } from "../adapters/version-artifact.ts";
import { releaseArtifact } from "../artifacts/stored-artifacts.ts";
import type { RegistryContext } from "../context.ts";
import type { VersionName } from "../keys.ts";
import { releaseForVersion } from "../training/holds.ts";

/** Deletes a version, also of a deleted adapter; one that was deleted before stays so. Rejects with ADAPTER_NOT_FOUND, VERSION_NOT_FOUND, VERSION_IN_USE. */
export async function deleteVersion(context: RegistryContext, caller: Caller, name: VersionName): Promise<void> {
  const { tenant } = caller;
  const { provenance } = await changeAnyVersion(context, tenant, name, (version) =>
    version.state.deleteTimeMicros === 0n ? planDeletion(context, tenant, version) : undefined,
  );
  await releaseForVersion(context, caller, name, provenance?.snapshots ?? []);
}

async function planDeletion(
  { store, clock }: RegistryContext,
  tenant: TenantId,
  version: KeptVersion,
): Promise<VersionChange> {
  const { name, state } = version;
  const unused = await expectNoNewUse(store, tenant, name.adapter);
  const use = await useOfVersion(store, tenant, name);
  if (use !== undefined) throw versionInUse(name, use);
  const now = clock.now();
  const artifact = artifactOf(version);
  const released = artifact?.kept ? await releaseArtifact(store, tenant, artifact.digest, name, now) : noChanges;
  return {
    state: { ...state, deleteTimeMicros: now },
    mutations: released.mutations,
    expectations: [...unused, ...released.expectations],
  };
}
