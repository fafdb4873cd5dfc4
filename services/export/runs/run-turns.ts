import type { TenantId } from "../../store/store.ts";

type Kind = "change" | "losses" | "close-epoch" | "hold";

/** Lets the changes of one run follow one another, so that its ranks do not make each other's commits fail. Other processes still may. */
export class RunTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** What holds and releases snapshots: runs of one dataset share them. May take the turn of its run inside. */
  hold<Result>(tenant: TenantId, section: () => Promise<Result>): Promise<Result> {
    return this.take(tenant, "", "hold", section);
  }

  /** Runs the section after all that were asked for before, of this run and kind. */
  async take<Result>(tenant: TenantId, run: string, kind: Kind, section: () => Promise<Result>): Promise<Result> {
    const name = `${tenant}/${kind}/${run}`;
    const result = (this.#last.get(name) ?? Promise.resolve()).then(section);
    const ended = result.catch(() => undefined);
    this.#last.set(name, ended);
    try {
      return await result;
    } finally {
      if (this.#last.get(name) === ended) this.#last.delete(name);
    }
  }
}
