import { compareKeys } from "../range.ts";
import type { Key, KeyRange, Revision } from "../store.ts";

export interface Version {
  readonly revision: Revision;
  /** Absent where this version is a delete. */
  readonly value?: Uint8Array;
}

/** A key with its versions, oldest first. */
export interface History {
  readonly key: Key;
  versions: Version[];
}

/** The newest version at or before the revision, if it is not a delete. */
export function liveVersion(history: History | undefined, at: Revision): Required<Version> | undefined {
  const version = history?.versions.findLast(({ revision }) => revision <= at);
  return version?.value && { revision: version.revision, value: version.value };
}

const CHUNK_KEYS = 512;

/** Histories in key order, in chunks so that inserting moves little. */
export class SortedHistories {
  readonly #chunks: History[][] = [[]];

  get(key: Key): History | undefined {
    const { chunk, place, found } = this.#locate(key);
    return found ? chunk[place] : undefined;
  }

  getOrAdd(key: Key): History {
    const { chunk, index, place, found } = this.#locate(key);
    const existing = found ? chunk[place] : undefined;
    if (existing) return existing;
    const history: History = { key: new Uint8Array(key), versions: [] };
    chunk.splice(place, 0, history);
    if (chunk.length > CHUNK_KEYS) this.#chunks.splice(index + 1, 0, chunk.splice(CHUNK_KEYS / 2));
    return history;
  }

  delete(key: Key): void {
    const { chunk, index, place, found } = this.#locate(key);
    if (!found) return;
    chunk.splice(place, 1);
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(index, 1);
  }

  *all(): Generator<History> {
    for (const chunk of this.#chunks) yield* chunk;
  }

  *ascending({ start, end }: KeyRange): Generator<History> {
    let { index, place } = this.#locate(start);
    for (; index < this.#chunks.length; index++, place = 0) {
      for (const history of this.#chunks[index]?.slice(place) ?? []) {
        if (compareKeys(history.key, end) >= 0) return;
        yield history;
      }
    }
  }

  *descending({ start, end }: KeyRange): Generator<History> {
    const last = this.#locate(end);
    let before = last.chunk.slice(0, last.place);
    for (let index = last.index; index >= 0; before = this.#chunks[--index] ?? []) {
      for (const history of before.toReversed()) {
        if (compareKeys(history.key, start) < 0) return;
        yield history;
      }
    }
  }

  /** Where the key is, or would be inserted. */
  #locate(key: Key): { chunk: History[]; index: number; place: number; found: boolean } {
    const after = firstIndex(this.#chunks, (chunk) => chunk[0] !== undefined && compareKeys(chunk[0].key, key) > 0);
    const index = Math.max(0, after - 1);
    const chunk = this.#chunks[index] ?? [];
    const place = firstIndex(chunk, (history) => compareKeys(history.key, key) >= 0);
    const found = chunk[place] !== undefined && compareKeys(chunk[place].key, key) === 0;
    return { chunk, index, place, found };
  }
}

/** Binary search: the first item that passes, where all after it pass too. */
function firstIndex<T>(items: readonly T[], passes: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passes(items[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
