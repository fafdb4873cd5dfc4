import type { Micros, TenantId } from "../../store/store.ts";
import type { IndexLoss, LossesOf } from "./reported-losses.ts";
import type { HeldRun } from "./run-lease.ts";
import type { RunTurns } from "./run-turns.ts";

/** Keeps losses; gives the end of the run's lease. */
export type KeepLosses = (losses: readonly IndexLoss[]) => Promise<Micros>;

interface Batch {
  /** In the order in which they came. */
  readonly losses: IndexLoss[];
  readonly kept: Promise<Micros>;
}

/** Puts the losses of many calls together while those before them are being kept: a rank does not wait for the disk once for each of the others. */
export class LossBatches {
  readonly #turns: RunTurns;
  /** By tenant, epoch, lease and run: what waits for its turn. */
  readonly #waiting = new Map<string, Batch>();

  constructor(turns: RunTurns) {
    this.#turns = turns;
  }

  /** Resolves once they are kept. What `keep` rejects with, all calls of a batch get. */
  add(
    tenant: TenantId,
    { run, epoch, lease }: LossesOf & HeldRun,
    losses: readonly IndexLoss[],
    keep: KeepLosses,
  ): Promise<Micros> {
    const name = `${tenant}/${epoch}/${lease}/${run}`;
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) {
      for (const loss of losses) waiting.losses.push(loss);
      return waiting.kept;
    }
    const all = [...losses];
    const kept = this.#turns.take(tenant, run, "losses", () => {
      this.#waiting.delete(name);
      return keep(all);
    });
    this.#waiting.set(name, { losses: all, kept });
    return kept;
  }
}
