import type { Changes } from "../../store/commit-changes.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { lifeEnd } from "../snapshot/expiry.ts";
import { holdSnapshot } from "../snapshot/holds.ts";

export interface HoldSnapshots {
  readonly holder: string;
  /** Whole keys, each once. */
  readonly snapshots: readonly Uint8Array[];
  /** Until they are released where 0. */
  readonly ttlSeconds: number;
}

/** Holds all of them or none. Rejects with SNAPSHOT_NOT_FOUND, SNAPSHOT_EXPIRED. */
export function holdSnapshots(context: ExportContext, tenant: TenantId, command: HoldSnapshots): Promise<void> {
  return context.runTurns.hold(tenant, () => retryAborted(() => hold(context, tenant, command)));
}

async function hold(
  { store, clock }: ExportContext,
  tenant: TenantId,
  { holder, snapshots, ttlSeconds }: HoldSnapshots,
): Promise<void> {
  const now = clock.now();
  const expires = lifeEnd(ttlSeconds, now);
  const changes: Changes[] = [];
  for (const key of snapshots) changes.push(await holdSnapshot(store, tenant, key, { holder, expires, now }));
  await store.commit(
    tenant,
    changes.flatMap(({ mutations }) => mutations),
    changes.flatMap(({ expectations }) => expectations),
  );
}
