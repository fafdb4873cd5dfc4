import { mutationKey } from "../checks.ts";
import type { Expectation, Key, Mutation } from "../store.ts";

/** A commit on its way to the committer thread: one piece of memory moves at the same cost for a key as for thousands, views of it would be copied one by one. */
export interface PackedCommit {
  /** Keys of the expectations, then keys and values of the mutations. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of each expectation the length of its key; of each mutation that of its key, then that of its value and one more, 0 for a deletion. */
  readonly lengths: Uint32Array<ArrayBuffer>;
  /** Of each expectation. */
  readonly revisions: BigUint64Array<ArrayBuffer>;
}

/** @param mutationBytes keys and values of the mutations */
export function packCommit(
  mutations: readonly Mutation[],
  expectations: readonly Expectation[],
  mutationBytes: number,
): PackedCommit {
  const expectedBytes = expectations.reduce((bytes, { key }) => bytes + key.length, 0);
  const bytes = new Uint8Array(expectedBytes + mutationBytes);
  const lengths = new Uint32Array(expectations.length + 2 * mutations.length);
  let [end, place] = [0, 0];
  const add = (part: Uint8Array, more = 0): void => {
    bytes.set(part, end);
    end += part.length;
    lengths[place++] = part.length + more;
  };
  for (const { key } of expectations) add(key);
  for (const mutation of mutations) {
    add(mutationKey(mutation));
    if ("put" in mutation) add(mutation.value, 1);
    else lengths[place++] = 0;
  }
  return { bytes, lengths, revisions: BigUint64Array.from(expectations, ({ revision }) => revision) };
}

export function* expectationsOf({ bytes, lengths, revisions }: PackedCommit): Generator<Expectation> {
  let end = 0;
  for (const [place, revision] of revisions.entries()) {
    const start = end;
    end += lengths[place] as number;
    yield { key: bytes.subarray(start, end), revision };
  }
}

/** Of a deletion there is no value. */
export interface PackedMutation {
  readonly key: Key;
  readonly value: Uint8Array | undefined;
}

export function* mutationsOf({ bytes, lengths, revisions }: PackedCommit): Generator<PackedMutation> {
  let end = lengths.subarray(0, revisions.length).reduce((sum, length) => sum + length, 0);
  for (let place = revisions.length; place < lengths.length; place += 2) {
    const [start, keyEnd] = [end, end + (lengths[place] as number)];
    const valueLength = lengths[place + 1] as number;
    end = keyEnd + Math.max(valueLength - 1, 0);
    yield { key: bytes.subarray(start, keyEnd), value: valueLength === 0 ? undefined : bytes.subarray(keyEnd, end) };
  }
}
