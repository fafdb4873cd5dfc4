/** Which source an index of a mixture comes from, and the how-manieth sample of that source it is. */
export interface Turn {
  readonly source: number;
  readonly index: number;
}

/** Takes turns in a pattern that repeats. */
export interface Interleave {
  at(index: number): Turn;
  /** How many of the first `count` samples come from the source. */
  countOf(source: number, count: number): number;
}

/** Slots of the pattern of a mixture by proportion. */
export const SLOTS = 1024;

/**
 * 1,024ths for each source, at least one each, by largest remainder.
 * @param proportions 1 to 64 positive integers
 */
export function slotsOf(proportions: readonly number[]): number[] {
  const total = proportions.reduce((sum, proportion) => sum + proportion, 0);
  const free = SLOTS - proportions.length;
  const slots = proportions.map((proportion) => 1 + Math.floor((free * proportion) / total));
  const remainders = proportions.map((proportion, source) => ({ source, remainder: (free * proportion) % total }));
  remainders.sort((a, b) => b.remainder - a.remainder || a.source - b.source);
  const missing = SLOTS - slots.reduce((sum, count) => sum + count, 0);
  for (const { source } of remainders.slice(0, missing)) slots[source] = (slots[source] as number) + 1;
  return slots;
}

/** Mixes by slots, each source spread evenly: at every slot the source that is furthest behind its share takes its turn. */
export class ProportionalInterleave implements Interleave {
  readonly #slots: readonly number[];
  readonly #pattern: Uint8Array;
  /** For each source, its turns before each slot. */
  readonly #before: readonly Uint16Array[];

  constructor(slots: readonly number[]) {
    this.#slots = slots;
    this.#pattern = patternOf(slots);
    this.#before = slots.map((_, source) => turnsBefore(this.#pattern, source));
  }

  at(index: number): Turn {
    const slot = index % SLOTS;
    const source = this.#pattern[slot] as number;
    return { source, index: this.countOf(source, index) };
  }

  countOf(source: number, count: number): number {
    const rounds = Math.floor(count / SLOTS);
    return rounds * (this.#slots[source] as number) + (this.#before[source]?.[count % SLOTS] as number);
  }
}

/** Sources take turns for blocks of so many samples. */
export class BlockInterleave implements Interleave {
  readonly #sources: number;
  readonly #block: number;

  constructor(sources: number, blockSamples: number) {
    this.#sources = sources;
    this.#block = blockSamples;
  }

  at(index: number): Turn {
    const source = Math.floor(index / this.#block) % this.#sources;
    return { source, index: this.countOf(source, index) };
  }

  countOf(source: number, count: number): number {
    const round = this.#block * this.#sources;
    const rest = (count % round) - source * this.#block;
    return Math.floor(count / round) * this.#block + Math.min(Math.max(rest, 0), this.#block);
  }
}

/** After t slots source s should have had t · slots / 1,024 turns: the one with the earliest next deadline, (turns + 1/2) / slots, goes first. */
function patternOf(slots: readonly number[]): Uint8Array {
  const turns = slots.map(() => 0);
  return Uint8Array.from({ length: SLOTS }, () => {
    let next = 0;
    for (let source = 1; source < slots.length; source += 1) {
      const [ours, best] = [2 * (turns[source] as number) + 1, 2 * (turns[next] as number) + 1];
      if (ours * (slots[next] as number) < best * (slots[source] as number)) next = source;
    }
    turns[next] = (turns[next] as number) + 1;
    return next;
  });
}

function turnsBefore(pattern: Uint8Array, source: number): Uint16Array {
  const before = new Uint16Array(SLOTS + 1);
  for (let slot = 0; slot < SLOTS; slot += 1) {
    before[slot + 1] = (before[slot] as number) + (pattern[slot] === source ? 1 : 0);
  }
  return before;
}

/**
 * Samples of one epoch of a mixture.
 * @param counts samples of one epoch of each source, all positive
 * @param all whether it ends when the last source has come once, not before the first one comes again
 */
export function mixtureLength(interleave: Interleave, counts: readonly number[], all: boolean): number {
  const ends = counts.map((count, source) => endOf(interleave, source, count));
  return all ? Math.max(...ends.map(({ complete }) => complete)) : Math.min(...ends.map(({ again }) => again));
}

/** After how many samples the source has come once, and before which index it would come again. */
function endOf(interleave: Interleave, source: number, count: number): { complete: number; again: number } {
  return { complete: indexOfTurn(interleave, source, count - 1) + 1, again: indexOfTurn(interleave, source, count) };
}

/** The index at which the source has its turn of that number. */
function indexOfTurn(interleave: Interleave, source: number, turn: number): number {
  let high = 1;
  while (interleave.countOf(source, high) <= turn) high *= 2;
  let low = 0;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (interleave.countOf(source, middle + 1) > turn) high = middle;
    else low = middle + 1;
  }
  return low;
}
