const ROUNDS = 6;

/** Eight 32-bit words: six of rounds, and two that tell parts of one plan apart. */
export type PermutationKey = Uint32Array;

/**
 * A keyed permutation of 0 to n − 1, n at most 2^32, in integer arithmetic and without memory: a Feistel network over the smallest power of two
 * that holds n, walked until it falls below n (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002), less than twice on average.
 * The round function is the finalizer of MurmurHash3.
 */
export class Permutation {
  readonly #count: number;
  readonly #rounds: Uint32Array;
  readonly #leftBits: number;
  readonly #rightBits: number;

  /** @param part keys of the same plan and different parts give independent permutations */
  constructor(count: number, key: PermutationKey, part: number) {
    this.#count = count;
    const bits = Math.max(2, 32 - Math.clz32(Math.max(count - 1, 1)));
    this.#leftBits = bits >>> 1;
    this.#rightBits = bits - this.#leftBits;
    const tweak = mix((part ^ (key[6] as number)) >>> 0);
    this.#rounds = Uint32Array.from({ length: ROUNDS }, (_, round) => mix(((key[round] as number) + tweak) >>> 0));
  }

  /** Where `index` goes. */
  at(index: number): number {
    let value = this.#pass(index);
    while (value >= this.#count) value = this.#pass(value);
    return value;
  }

  /** One pass over the network; halves of unequal size change places after each round, so that an even number of rounds restores them. */
  #pass(index: number): number {
    const rounds = this.#rounds;
    let [leftBits, rightBits] = [this.#leftBits, this.#rightBits];
    let right = (index & mask(rightBits)) >>> 0;
    let left = rightBits === 32 ? 0 : index >>> rightBits;
    for (let round = 0; round < ROUNDS; round += 1) {
      const mixed = (left ^ (mix((right ^ (rounds[round] as number)) >>> 0) & mask(leftBits))) >>> 0;
      left = right;
      right = mixed;
      const bits = leftBits;
      leftBits = rightBits;
      rightBits = bits;
    }
    return ((left << rightBits) | right) >>> 0;
  }
}

function mask(bits: number): number {
  return bits === 32 ? 0xffffffff : (1 << bits) - 1;
}

function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
