import { Turns } from "../../kit/turns.ts";
import type { TenantId } from "../../store/store.ts";

type Kind = "change" | "losses" | "close-epoch" | "hold";

/** Lets the changes of one run follow one another, so that its ranks do not make each other's commits fail. Other processes still may. */
export class RunTurns {
  readonly #turns = new Turns();

  /** What holds and releases snapshots: runs of one dataset share them. May take the turn of its run inside. */
  hold<Result>(tenant: TenantId, section: () => Promise<Result>): Promise<Result> {
    return this.take(tenant, "", "hold", section);
  }

  /** Runs the section after all that were asked for before, of this run and kind. */
  take<Result>(tenant: TenantId, run: string, kind: Kind, section: () => Promise<Result>): Promise<Result> {
    return this.#turns.take(`${tenant}/${kind}/${run}`, section);
  }
}
