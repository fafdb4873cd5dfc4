/**
 * Snapshots are held in the export service for every version that is not deleted. No commit spans both stores, so a registration holds them for a while under a name of its own,
 * commits the version, holds them for the version and only then lets go of the first hold. Wherever that breaks off, the first hold ends by itself, and the reconciler has placed what
 * is missing by then: at no time can a snapshot go that a version needs.
 */
import type { TrainingSnapshot } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { Caller } from "../../kit/call.ts";
import { ServiceError } from "../../kit/errors.ts";
import { StoreError } from "../../store/store.ts";
import { findVersion } from "../adapters/stored-versions.ts";
import type { RegistryContext } from "../context.ts";
import type { VersionName } from "../keys.ts";
import { tellDeletedData, updateDeletedData } from "./deleted-data.ts";
import { versionHolder } from "./holders.ts";
import { PendingHold } from "./pending-hold.ts";

/** For whom the export service is asked. */
export type Owner = Pick<Caller, "tenant" | "tenantName">;

/** What is to be held, and what ends the waiting for it. */
export interface ToHold {
  readonly snapshots: readonly TrainingSnapshot[];
  readonly signal: AbortSignal;
}

/**
 * Makes a version, or brings it back, while its snapshots are held, and holds them for the version then. Rejects as `make` does; before it with EXPORT_UNAVAILABLE,
 * SNAPSHOT_NOT_FOUND, SNAPSHOT_EXPIRED, or the signal's reason.
 */
export async function whileHeld(
  context: RegistryContext,
  owner: Owner,
  { snapshots, signal }: ToHold,
  make: () => Promise<VersionName>,
): Promise<VersionName> {
  const pending = new PendingHold(context, owner, signal);
  await pending.hold(snapshots.map(({ snapshot }) => snapshot));
  const name = await make().catch(async (error: unknown) => {
    if (isRefusal(error)) await pending.release();
    throw error;
  });
  // Else it stays until the reconciler has held them.
  if (await holdForVersion(context, owner, name, snapshots)) await pending.release();
  return name;
}

/** Whether the error says that nothing was committed: of a commit that a store failed at nobody knows. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ServiceError || (error instanceof StoreError && error.code === "ABORTED");
}

/**
 * Holds the snapshots of a version that was committed, and tells it what was deleted of them before. Never rejects: what fails is made up for by the reconciler.
 * @returns whether it holds them all
 */
export async function holdForVersion(
  context: RegistryContext,
  owner: Owner,
  name: VersionName,
  snapshots: readonly TrainingSnapshot[],
): Promise<boolean> {
  const { exportClient, log, store } = context;
  const holder = versionHolder(store, name);
  let held = false;
  try {
    // Before the hold, which says that it was told.
    await tellDeletedData(store, owner.tenant, name);
    for (const { snapshot } of snapshots) {
      const asked = { holder, snapshots: [snapshot] };
      await exportClient.call(owner.tenantName, ({ exports }, call) => exports.holdSnapshots(asked, call));
    }
    held = true;
    for (const { snapshot } of snapshots) await updateDeletedData(context, owner, snapshot);
  } catch (error) {
    log.warn({ err: error, holder }, held ? "deletions are looked for later" : "its snapshots are held later");
  }
  return held;
}

/** As `releaseHolds`, but never rejects: what fails is made up for by the reconciler. */
export async function releaseForVersion(
  context: RegistryContext,
  owner: Owner,
  name: VersionName,
  snapshots: readonly TrainingSnapshot[],
): Promise<void> {
  if (snapshots.length === 0) return;
  await releaseHolds(context, owner, name).catch((error: Error) =>
    context.log.warn({ err: error, holder: versionHolder(context.store, name) }, "its snapshots are released later"),
  );
}

/** Ends the holds of a version that is deleted, and holds again where it was brought back meanwhile: that hold may just have been ended too. Rejects as ExportClient does. */
export async function releaseHolds(context: RegistryContext, owner: Owner, name: VersionName): Promise<void> {
  const { store, exportClient } = context;
  const holder = versionHolder(store, name);
  await exportClient.call(owner.tenantName, ({ exports }, call) => exports.releaseSnapshots({ holder }, call));
  const version = await findVersion(store, owner.tenant, name);
  if (version?.state.deleteTimeMicros !== 0n) return;
  await holdForVersion(context, owner, name, version.stored.version?.provenance?.snapshots ?? []);
}
