import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { lossesFrom } from "../runs/reported-losses.ts";
import { epochNotOpen } from "../runs/run-errors.ts";
import { findEpoch, getRun } from "../runs/stored-runs.ts";

export interface ListLosses {
  readonly run: string;
  readonly epoch: number;
  readonly limit: number;
  /** `next` of the page before. */
  readonly firstIndex: number;
}

export interface LossPage {
  readonly indices: bigint[];
  readonly losses: number[];
  /** Index at which the next page begins. */
  readonly next: number | undefined;
}

/** Rejects with RUN_NOT_FOUND, EPOCH_NOT_OPEN. */
export async function listLosses(
  context: ExportContext,
  tenant: TenantId,
  { run, epoch, limit, firstIndex }: ListLosses,
): Promise<LossPage> {
  await getRun(context.store, tenant, run);
  if ((await findEpoch(context.store, tenant, run, epoch)) === undefined) throw epochNotOpen(run, epoch);
  const [indices, losses]: [bigint[], number[]] = [[], []];
  for await (const [index, loss] of lossesFrom(context.store, tenant, { run, epoch }, firstIndex)) {
    if (indices.length === limit) return { indices, losses, next: index };
    indices.push(BigInt(index));
    losses.push(loss);
  }
  return { indices, losses, next: undefined };
}
