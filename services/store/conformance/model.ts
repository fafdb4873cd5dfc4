import type { Change, Entry, KeyRange, Mutation, Revision } from "../store.ts";
import { text } from "./helpers.ts";

/** The port in its plainest form: every state that ever was, kept whole. */
export class Model {
  /** By revision; a key is text of one character a byte. */
  readonly #states: ReadonlyMap<string, Entry>[] = [new Map()];
  readonly #changes: Change[][] = [];
  readonly #pins = new Map<string, { revision: Revision; expires: bigint }>();
  floor = 0n;

  get head(): Revision {
    return BigInt(this.#states.length - 1);
  }

  revisionOf(key: string): Revision {
    return this.#states.at(-1)?.get(key)?.revision ?? 0n;
  }

  commit(mutations: readonly Mutation[]): Revision {
    const state = new Map(this.#states.at(-1));
    const revision = this.head + 1n;
    for (const mutation of mutations) {
      if ("put" in mutation) state.set(text(mutation.put), { key: mutation.put, value: mutation.value, revision });
      else state.delete(text(mutation.delete));
    }
    this.#states.push(state);
    this.#changes.push(
      mutations.map((mutation, ordinal) => ({
        revision,
        ordinal,
        key: "put" in mutation ? mutation.put : mutation.delete,
        deleted: "delete" in mutation,
      })),
    );
    return revision;
  }

  readable(revision: Revision): boolean {
    return revision >= this.floor && revision <= this.head;
  }

  get(key: string, at: Revision): Entry | undefined {
    return this.#states[Number(at)]?.get(key);
  }

  scan({ start, end }: KeyRange, at: Revision, reverse: boolean): Entry[] {
    const found = [...(this.#states[Number(at)]?.values() ?? [])]
      .filter(({ key }) => Buffer.compare(key, start) >= 0 && Buffer.compare(key, end) < 0)
      .toSorted((a, b) => Buffer.compare(a.key, b.key));
    return reverse ? found.toReversed() : found;
  }

  changes(after: Revision): Change[] {
    return this.#changes.slice(Number(after)).flat();
  }

  pin(id: string, revision: Revision, expires: bigint): void {
    this.#pins.set(id, { revision, expires });
  }

  unpin(id: string): void {
    this.#pins.delete(id);
  }

  pins(now: bigint): string[] {
    return [...this.#pins]
      .filter(([, { expires }]) => expires > now)
      .map(([id, { revision }]) => `${id}@${revision}`)
      .toSorted();
  }

  compact(before: Revision, now: bigint): Revision {
    let floor = before;
    for (const { revision, expires } of this.#pins.values()) {
      if (expires > now && revision < floor) floor = revision;
    }
    if (floor > this.floor) this.floor = floor;
    return this.floor;
  }
}
