import { StoredLossPart } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import { encoded } from "../../kit/encoded.ts";
import type { Changes } from "../../store/commit-changes.ts";
import { entries } from "../../store/entries.ts";
import { afterKey } from "../../store/range.ts";
import type { Expectation, Mutation, Store, StoreReader, TenantId } from "../../store/store.ts";
import { lossPartKey } from "../keys.ts";
import { decodeLosses, encodeLosses, type LossChange, PART_LOSSES, setLoss } from "./loss-part.ts";

/** An index of a plan with its loss. */
export type IndexLoss = readonly [index: number, loss: number];

/** Which losses are meant. */
export interface LossesOf {
  readonly run: string;
  readonly epoch: number;
}

/** Losses by the part that keeps them, in the order given. */
export function byPart(losses: readonly IndexLoss[]): ReadonlyMap<number, readonly IndexLoss[]> {
  return Map.groupBy(losses, ([index]) => Math.floor(index / PART_LOSSES));
}

/** What keeps the losses of some parts, and how their number and sum change. */
export async function lossChanges(
  store: Store,
  tenant: TenantId,
  { run, epoch }: LossesOf,
  parts: Iterable<readonly [number, readonly IndexLoss[]]>,
): Promise<Changes & LossChange> {
  const mutations: Mutation[] = [];
  const expectations: Expectation[] = [];
  let [count, sum] = [0, 0];
  for (const [part, given] of parts) {
    const key = lossPartKey(run, epoch, part);
    const entry = await store.get(tenant, key);
    const losses = decodeLosses(entry === undefined ? new Uint8Array() : StoredLossPart.decode(entry.value).losses);
    for (const [index, loss] of given) {
      const changed = setLoss(losses, index % PART_LOSSES, loss);
      count += changed.count;
      sum += changed.sum;
    }
    mutations.push({ put: key, value: encoded(StoredLossPart, { losses: encodeLosses(losses) }) });
    expectations.push({ key, revision: entry?.revision ?? 0n });
  }
  return { mutations, expectations, count, sum };
}

/** All losses of an epoch from an index on, by index. */
export async function* lossesFrom(
  store: StoreReader,
  tenant: TenantId,
  { run, epoch }: LossesOf,
  firstIndex: number,
): AsyncGenerator<IndexLoss> {
  const start = lossPartKey(run, epoch, Math.floor(firstIndex / PART_LOSSES));
  const end = afterKey(lossPartKey(run, epoch, 0xffff_ffff));
  for await (const { key, value } of entries(store, tenant, { start, end })) {
    const first = Buffer.from(key).readUInt32BE(key.length - 4) * PART_LOSSES;
    const losses = decodeLosses(StoredLossPart.decode(value).losses);
    for (let place = Math.max(0, firstIndex - first); place < PART_LOSSES; place += 1) {
      const loss = losses[place] as number;
      if (!Number.isNaN(loss)) yield [first + place, loss];
    }
  }
}
