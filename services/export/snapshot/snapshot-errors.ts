import type { StoredSnapshot } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { ServiceError } from "../../kit/errors.ts";
import { hexOf } from "./snapshot-key.ts";

export function snapshotNotFound(snapshot: string): ServiceError {
  return new ServiceError("SNAPSHOT_NOT_FOUND", `Snapshot ${snapshot} does not exist.`, { snapshot });
}

export function snapshotExpired(key: Uint8Array): ServiceError {
  const snapshot = hexOf(key);
  const message = `Snapshot ${snapshot} was deleted or reached the end of its life; stream the dataset from its start.`;
  return new ServiceError("SNAPSHOT_EXPIRED", message, { snapshot });
}

/** Why a failed snapshot failed, as its build said it. */
export function snapshotFailed(key: Uint8Array, stored: StoredSnapshot): ServiceError {
  const snapshot = hexOf(key);
  const problem = stored.snapshot?.failure ?? "";
  if (stored.failureReason === "TOO_MANY_ERRORS") {
    return new ServiceError("TOO_MANY_ERRORS", problem, { snapshot, problem });
  }
  const metadata = { snapshot, reason: stored.failureReason, problem };
  return new ServiceError("SNAPSHOT_FAILED", `Snapshot ${snapshot} failed: ${problem}`, metadata);
}

/** A build that stopped for a reason that may pass: that reason where it is meant for callers. */
export function buildInterrupted(key: Uint8Array, cause: Error): ServiceError {
  if (cause instanceof ServiceError) return cause;
  const snapshot = hexOf(key);
  const message = `The build of snapshot ${snapshot} was interrupted; it goes on with the next call.`;
  return new ServiceError("SNAPSHOT_BUILDING", message, { snapshot }, { retryAfterSeconds: 1, cause });
}

export function snapshotBuilding(key: Uint8Array): ServiceError {
  const snapshot = hexOf(key);
  const message = `Snapshot ${snapshot} is still being built.`;
  return new ServiceError("SNAPSHOT_BUILDING", message, { snapshot }, { retryAfterSeconds: 1 });
}

/** The table was removed and is made again by the next call. */
export function tableDamaged(snapshot: string): ServiceError {
  const message = `The sample table of snapshot ${snapshot} was damaged and is made again; go on.`;
  return new ServiceError("SNAPSHOT_BUILDING", message, { snapshot }, { retryAfterSeconds: 1 });
}

export function snapshotInUse(key: Uint8Array, streams: number): ServiceError {
  const snapshot = hexOf(key);
  return new ServiceError(
    "SNAPSHOT_IN_USE",
    `Snapshot ${snapshot} is being read by ${streams} streams; end them first.`,
    {
      snapshot,
      streams: String(streams),
    },
  );
}

/** @param holder a run as `runHolder` names it, or whoever called HoldSnapshots */
export function snapshotHeld(key: Uint8Array, holder: string): ServiceError {
  const snapshot = hexOf(key);
  const run = /^run\/(.*)$/.exec(holder)?.[1];
  if (run !== undefined) {
    const message = `Snapshot ${snapshot} is held by run "${run}"; close the run first.`;
    return new ServiceError("SNAPSHOT_IN_USE", message, { snapshot, run });
  }
  const message = `Snapshot ${snapshot} is held by "${holder}", which has to release it first: an adapter version does when it is deleted.`;
  return new ServiceError("SNAPSHOT_IN_USE", message, { snapshot, holder });
}

/** The file is not there: this server looks into a folder of its own, or the file was lost. */
export function blockMissing(key: Uint8Array, sample: number, cause: Error): ServiceError {
  const snapshot = hexOf(key);
  const message =
    `The block of snapshot ${snapshot} from sample ${sample} on is not in this server's data_directory. ` +
    "Servers that share a store must share the folder blocks in it too; if they do, the file was lost: delete the snapshot and build it again.";
  return new ServiceError("CONTENT_DAMAGED", message, { snapshot, sample: String(sample) }, { cause });
}

export function contentDamaged(key: Uint8Array, sample: number, cause?: Error): ServiceError {
  const snapshot = hexOf(key);
  const message = `The stored bytes of snapshot ${snapshot} from sample ${sample} on are damaged; delete it and build it again.`;
  return new ServiceError("CONTENT_DAMAGED", message, { snapshot, sample: String(sample) }, { cause });
}
