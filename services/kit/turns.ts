/** Lets sections of one name follow one another. Other processes do not wait. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs the section after all that were asked for before under this name, also where one of them failed. */
  take<Result>(name: string, section: () => Promise<Result>): Promise<Result> {
    return this.#follow([name], this.#last.get(name) ?? Promise.resolve(), section);
  }

  /** As `take`, under several names at once: it queues for all of them in one step, so that none of those who wait for several can block each other. */
  takeAll<Result>(names: readonly string[], section: () => Promise<Result>): Promise<Result> {
    return this.#follow(names, Promise.all(names.map((name) => this.#last.get(name))), section);
  }

  async #follow<Result>(
    names: readonly string[],
    before: Promise<unknown>,
    section: () => Promise<Result>,
  ): Promise<Result> {
    const result = before.then(section);
    const ended = result.catch(() => undefined);
    for (const name of names) this.#last.set(name, ended);
    try {
      return await result;
    } finally {
      for (const name of names) if (this.#last.get(name) === ended) this.#last.delete(name);
    }
  }
}
