/** Words of one entry: a 128-bit hash. */
const WORDS = 4;
const SEGMENT_BITS = 4;
const FIRST_CAPACITY = 256;
const MAX_LOAD = 0.8;
const GROWTH = 1.25;
const TWO_32 = 4_294_967_296;

/**
 * A set of 128-bit hashes: open addressing in typed arrays, 20 to 25 bytes an entry. It grows a 16th at a time, so that
 * no growth needs twice the memory or stalls for long. The first word chooses the segment, the second the place in it.
 */
export class ContentSet {
  readonly #segments: Segment[];
  #size = 0;

  /** `take` hears of bytes before they are used, beyond the first 64 KiB; what it throws goes through `add`. */
  constructor(take: (bytes: number) => void) {
    this.#segments = Array.from({ length: 1 << SEGMENT_BITS }, () => new Segment(take));
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** True where the hash is new. `hashes` holds hashes of four words each. */
  add(hashes: Uint32Array, place: number): boolean {
    const start = place * WORDS;
    const segment = this.#segments[(hashes[start] as number) >>> (32 - SEGMENT_BITS)] as Segment;
    const added = segment.add(hashes, start);
    if (added) this.#size += 1;
    return added;
  }
}

class Segment {
  #capacity = FIRST_CAPACITY;
  #words: Uint32Array<ArrayBuffer> = new Uint32Array(FIRST_CAPACITY * WORDS);
  readonly #take: (bytes: number) => void;
  #count = 0;

  constructor(take: (bytes: number) => void) {
    this.#take = take;
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  add(hashes: Uint32Array, start: number): boolean {
    if (this.#count >= this.#capacity * MAX_LOAD) this.#grow();
    const place = this.#find(hashes, start);
    if (!this.#isFree(place)) return false;
    this.#put(place, hashes, start);
    this.#count += 1;
    return true;
  }

  /** The hash's place, or the free one where it belongs. */
  #find(hashes: Uint32Array, start: number): number {
    const words = this.#words;
    let place = Math.floor(((hashes[start + 1] as number) / TWO_32) * this.#capacity);
    while (!this.#isFree(place)) {
      const at = place * WORDS;
      if (
        words[at + 3] === lastWord(hashes, start) &&
        words[at] === hashes[start] &&
        words[at + 1] === hashes[start + 1] &&
        words[at + 2] === hashes[start + 2]
      ) {
        return place;
      }
      place = place + 1 === this.#capacity ? 0 : place + 1;
    }
    return place;
  }

  #isFree(place: number): boolean {
    return this.#words[place * WORDS + 3] === 0;
  }

  #put(place: number, hashes: Uint32Array, start: number): void {
    const at = place * WORDS;
    this.#words[at] = hashes[start] as number;
    this.#words[at + 1] = hashes[start + 1] as number;
    this.#words[at + 2] = hashes[start + 2] as number;
    this.#words[at + 3] = lastWord(hashes, start);
  }

  #grow(): void {
    const old = this.#words;
    const capacity = Math.ceil(this.#capacity * GROWTH);
    this.#take((capacity - this.#capacity) * WORDS * Uint32Array.BYTES_PER_ELEMENT);
    this.#capacity = capacity;
    this.#words = new Uint32Array(capacity * WORDS);
    for (let start = 0; start < old.length; start += WORDS) {
      if (old[start + 3] !== 0) this.#put(this.#find(old, start), old, start);
    }
    // All segments grow at about the same time: their old memory must not wait for the garbage collector.
    old.buffer.transfer(0);
  }
}

/** Zero marks a free place, so a last word of zero counts as one. */
function lastWord(hashes: Uint32Array, start: number): number {
  return (hashes[start + 3] as number) || 1;
}
