import { type Snapshot, Snapshot_State } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { ServiceError } from "../../kit/errors.ts";
import { Notifier } from "../../kit/notifier.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { shownSnapshot } from "../snapshot/shown-snapshot.ts";
import { snapshotNotFound } from "../snapshot/snapshot-errors.ts";

export interface WatchSnapshot {
  readonly tenant: TenantId;
  /** Key, or its first digits. */
  readonly snapshot: string;
  /** The client's cancel. */
  readonly signal: AbortSignal;
  /** The server is about to stop. */
  readonly drain: AbortSignal;
}

const INTERVAL_MILLIS = 1000;

/** The snapshot now and about once a second, until it is sealed or failed. Throws SNAPSHOT_NOT_FOUND, DRAINING. */
export async function* watchSnapshot(
  context: ExportContext,
  { tenant, snapshot, signal, drain }: WatchSnapshot,
): AsyncGenerator<Snapshot> {
  const { key } = await context.snapshots.find(tenant, snapshot);
  const wake = AbortSignal.any([signal, drain]);
  for (;;) {
    const stored = await context.snapshots.get(tenant, key);
    if (stored === undefined) throw snapshotNotFound(snapshot);
    const shown = shownSnapshot(context, tenant, { key, stored });
    yield shown;
    if (shown.state !== Snapshot_State.STATE_BUILDING) return;
    await untilEnd(context.snapshots.builds.running(tenant, key)?.ended, wake);
    signal.throwIfAborted();
    if (drain.aborted) throw new ServiceError("DRAINING", "The server stops; watch again.");
  }
}

/** Waits for a second, at most until the build ends. */
async function untilEnd(ended: Promise<void> | undefined, wake: AbortSignal): Promise<void> {
  const notifier = new Notifier();
  void ended?.then(() => notifier.notify());
  await notifier.wait(INTERVAL_MILLIS, wake);
}
