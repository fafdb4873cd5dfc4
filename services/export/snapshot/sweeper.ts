import type { Logger } from "pino";
import type { Clock, Store, TenantId } from "../../store/store.ts";
import { sweepWeightTables } from "../plan/sweep-weight-tables.ts";
import { releaseLostRuns } from "../runs/release-lost-runs.ts";
import type { BlockFiles } from "./blocks/block-files.ts";
import type { Builds } from "./build/builds.ts";
import { LEASE_SECONDS } from "./build/lease.ts";
import { endHolds } from "./end-holds.ts";
import { isExpired } from "./expiry.ts";
import type { SnapshotRemover } from "./remove-snapshot.ts";
import { snapshotsByKey } from "./stored-snapshots.ts";
import type { SnapshotUses } from "./uses.ts";

export interface SweeperOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly files: BlockFiles;
  readonly builds: Builds;
  readonly uses: SnapshotUses;
  readonly remover: SnapshotRemover;
  readonly tenants: () => Promise<readonly TenantId[]>;
}

const INTERVAL_MILLIS = 10 * 60 * 1000;
/** The leases of a process that was killed have ended by then. */
const SECOND_SWEEP_MILLIS = (LEASE_SECONDS + 1) * 1000;
/** Younger files may belong to a build of another process. */
const ORPHAN_AGE_MILLIS = 60 * 60 * 1000;

/** Sweeps now, when the leases of a killed process have ended, and every ten minutes. Returns how to stop it. */
export function startSweeper(options: SweeperOptions): () => Promise<void> {
  const stop = new AbortController();
  const timers = new Set<NodeJS.Timeout>();
  let running: Promise<void> = Promise.resolve();
  const run = (): void => {
    running = running
      .then(() => sweep(options, stop.signal))
      .catch((error: Error) => options.log.error({ err: error }, "the sweep of snapshots failed"));
  };
  run();
  timers.add(setTimeout(run, SECOND_SWEEP_MILLIS).unref());
  timers.add(setInterval(run, INTERVAL_MILLIS).unref());
  return async () => {
    stop.abort();
    for (const timer of timers) clearTimeout(timer);
    await running;
  };
}

/** Takes up builds that nobody is at, ends holds whose time is over and those of runs that were lost long ago, removes snapshots past their life, and files that nothing names. */
export async function sweep(options: SweeperOptions, signal: AbortSignal): Promise<void> {
  for (const tenant of await options.tenants()) {
    await releaseLostRuns(options, tenant, signal);
    for await (const { key, stored } of snapshotsByKey(options.store, tenant)) {
      if (signal.aborted) return;
      if (stored.held) await endHolds(options, tenant, key);
      if (isExpired(stored, options.clock.now())) await expire(options, tenant, key);
      else if (options.builds.canTake(stored)) await options.builds.take(tenant, key);
    }
    await options.files.removeOrphans(tenant, ORPHAN_AGE_MILLIS);
    await options.files.removeOrphanTables(tenant, ORPHAN_AGE_MILLIS);
    await sweepWeightTables(options.store, tenant);
  }
  await options.files.removeOldBuilding(ORPHAN_AGE_MILLIS);
}

/** The page that was scanned may be old by now: what counts is what is stored. */
function expire({ clock, uses, remover }: SweeperOptions, tenant: TenantId, key: Uint8Array): Promise<boolean> {
  return remover.remove(tenant, key, (found) => isExpired(found, clock.now()) && uses.count(tenant, key) === 0);
}
