/** Lets sections of one name follow one another. Other processes do not wait. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs the section after all that were asked for before under this name, also where one of them failed. */
  async take<Result>(name: string, section: () => Promise<Result>): Promise<Result> {
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
