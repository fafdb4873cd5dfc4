import { StoredRun, StoredRunEpoch, StoredRunState } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import { entries } from "../../store/entries.ts";
import { afterKey } from "../../store/range.ts";
import type { Revision, StoreReader, TenantId } from "../../store/store.ts";
import { runEpochKey, runKey, runStateKey } from "../keys.ts";
import { runNotFound } from "./run-errors.ts";

/** Something stored with the commit that wrote it. */
export interface Written<Value> {
  readonly value: Value;
  readonly revision: Revision;
}

/** What a run was opened with. Rejects with RUN_NOT_FOUND. */
export async function getRun(store: StoreReader, tenant: TenantId, run: string): Promise<Written<StoredRun>> {
  const found = await findRun(store, tenant, run);
  if (found === undefined) throw runNotFound(run);
  return found;
}

export async function findRun(
  store: StoreReader,
  tenant: TenantId,
  run: string,
): Promise<Written<StoredRun> | undefined> {
  const entry = await store.get(tenant, runKey(run));
  return entry && { value: StoredRun.decode(entry.value), revision: entry.revision };
}

/** Where a run is. Rejects with RUN_NOT_FOUND. */
export async function getRunState(store: StoreReader, tenant: TenantId, run: string): Promise<Written<StoredRunState>> {
  const entry = await store.get(tenant, runStateKey(run));
  if (entry === undefined) throw runNotFound(run);
  return { value: StoredRunState.decode(entry.value), revision: entry.revision };
}

export async function findEpoch(
  store: StoreReader,
  tenant: TenantId,
  run: string,
  epoch: number,
): Promise<Written<StoredRunEpoch> | undefined> {
  const entry = await store.get(tenant, runEpochKey(run, epoch));
  return entry && { value: StoredRunEpoch.decode(entry.value), revision: entry.revision };
}

/** All epochs of a run whose plan is fixed, in order. */
export async function* epochsOf(
  store: StoreReader,
  tenant: TenantId,
  run: string,
): AsyncGenerator<{ readonly epoch: number; readonly stored: StoredRunEpoch }> {
  const start = runEpochKey(run, 0);
  for await (const { key, value } of entries(store, tenant, { start, end: afterKey(runEpochKey(run, 0xffff_ffff)) })) {
    yield { epoch: Buffer.from(key).readUInt32BE(start.length - 4), stored: StoredRunEpoch.decode(value) };
  }
}
