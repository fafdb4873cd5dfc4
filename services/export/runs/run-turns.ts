import type { TenantId } from "../../store/store.ts";

/** Lets the changes of one run follow one another, so that its ranks do not make each other's commits fail. Other processes still may. */
export class RunTurns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs the section after all that were asked for before, of this run and kind. */
  async take<Result>(
    tenant: TenantId,
    run: string,
    kind: "change" | "losses" | "close-epoch",
    section: () => Promise<Result>,
  ): Promise<Result> {
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
