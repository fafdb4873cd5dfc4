import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { Caller } from "../../kit/call.ts";
import type { TenantId } from "../../store/store.ts";
import { adapterDeleted, versionNotFound } from "../adapters/adapter-errors.ts";
import { changeAnyVersion, type VersionChange } from "../adapters/change-version.ts";
import { noChanges, together } from "../adapters/changes.ts";
import { parseVersionName } from "../adapters/names.ts";
import { useParent } from "../adapters/parent.ts";
import { showVersion } from "../adapters/shown-version.ts";
import { isDeleted } from "../adapters/stored-adapters.ts";
import { findOwnVersion, getVersion, type KeptVersion } from "../adapters/stored-versions.ts";
import { artifactOf } from "../adapters/version-artifact.ts";
import { useArtifact } from "../artifacts/stored-artifacts.ts";
import type { RegistryContext } from "../context.ts";
import type { VersionName } from "../keys.ts";
import { snapshotGone } from "../training/export-errors.ts";
import { whileHeld } from "../training/holds.ts";

/**
 * Brings a version back; one that is not deleted stays as it is. Rejects with ADAPTER_NOT_FOUND; VERSION_NOT_FOUND, also where its parent is deleted;
 * ARTIFACT_NOT_FOUND where its files are gone that the registry keeps, those at a `uri` are not looked for; as `whileHeld` does where its snapshots are, without which nobody could say what it was trained on.
 */
export async function restoreVersion(
  context: RegistryContext,
  caller: Caller,
  name: VersionName,
  signal: AbortSignal,
): Promise<AdapterVersion> {
  const { store } = context;
  const { tenant } = caller;
  const version = await findOwnVersion(store, tenant, name);
  if (version === undefined) throw versionNotFound(name);
  const snapshots = version.stored.version?.provenance?.snapshots ?? [];
  await whileHeld(context, caller, { snapshots, signal }, async () => {
    await restore(context, tenant, name);
    return name;
  }).catch((error: unknown) => {
    throw snapshotGone(error, () => name);
  });
  return showVersion(store, tenant, await getVersion(store, tenant, name));
}

function restore(context: RegistryContext, tenant: TenantId, name: VersionName): Promise<AdapterVersion> {
  return changeAnyVersion(context, tenant, name, (version, adapter) => {
    if (isDeleted(adapter)) throw adapterDeleted(adapter.name);
    return version.state.deleteTimeMicros === 0n ? undefined : planRestoration(context, tenant, version);
  });
}

async function planRestoration(
  { store }: RegistryContext,
  tenant: TenantId,
  version: KeptVersion,
): Promise<VersionChange> {
  const artifact = artifactOf(version);
  const used = artifact?.kept ? await useArtifact(store, tenant, artifact.digest, version.name) : noChanges;
  const parent = version.stored.version?.provenance?.parent ?? "";
  const child = parent === "" ? noChanges : await useParent(store, tenant, parseVersionName(parent));
  return { state: { ...version.state, deleteTimeMicros: 0n }, ...together(used, child) };
}
