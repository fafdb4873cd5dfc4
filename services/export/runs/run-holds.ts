import type { Changes } from "../../store/commit-changes.ts";
import type { Micros, StoreReader, TenantId } from "../../store/store.ts";
import { holdSnapshot, releaseSnapshot, runHolder } from "../snapshot/holds.ts";

/** What makes a run hold its snapshots; a mixture may name one twice. Rejects with SNAPSHOT_EXPIRED. */
export function holdSnapshots(
  store: StoreReader,
  tenant: TenantId,
  run: string,
  snapshots: readonly string[],
  now: Micros,
): Promise<Changes> {
  return together(snapshots, (key) => holdSnapshot(store, tenant, key, { holder: runHolder(run), expires: 0n, now }));
}

/** What ends it. */
export function releaseSnapshots(
  store: StoreReader,
  tenant: TenantId,
  run: string,
  snapshots: readonly string[],
  now: Micros,
): Promise<Changes> {
  return together(snapshots, (key) => releaseSnapshot(store, tenant, key, runHolder(run), now));
}

async function together(
  snapshots: readonly string[],
  changesOf: (key: Uint8Array) => Promise<Changes>,
): Promise<Changes> {
  const changes: Changes[] = [];
  for (const snapshot of new Set(snapshots)) changes.push(await changesOf(Buffer.from(snapshot, "hex")));
  return {
    mutations: changes.flatMap(({ mutations }) => mutations),
    expectations: changes.flatMap(({ expectations }) => expectations),
  };
}
