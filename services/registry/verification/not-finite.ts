import type { ExponentTest, NotFinite } from "./tensor-types.ts";

/** Longest element: what a piece may end inside of. */
const alignment = 8;

/** Looks for NaN and infinities in the bytes of a tensor, which come in pieces that may end anywhere. */
export class NotFiniteSearch {
  readonly #test: NotFinite;
  /** Bytes at the end of what came that are no whole element of 8 bytes yet. */
  #rest: Uint8Array = new Uint8Array(0);
  #passed = 0;

  constructor(test: NotFinite) {
    this.#test = test;
  }

  /** Where the first byte pair, word or byte that is not finite lies, to within 4 bytes from the beginning of the tensor; undefined while there is none. */
  push(piece: Uint8Array): number | undefined {
    const bytes = joined(this.#rest, piece);
    const whole = bytes.length - (bytes.length % alignment);
    this.#rest = new Uint8Array(bytes.subarray(whole));
    return this.#search(bytes.subarray(0, whole));
  }

  /** As `push`, for what is left of a tensor that ends with less than 8 bytes. */
  end(): number | undefined {
    const padded = new Uint8Array(this.#rest.length === 0 ? 0 : alignment);
    padded.set(this.#rest);
    return this.#search(padded);
  }

  #search(bytes: Uint8Array): number | undefined {
    const found = "byte" in this.#test ? bytes.indexOf(this.#test.byte) : firstOverflow(wordsOf(bytes), this.#test);
    const place = this.#passed + found;
    this.#passed += bytes.length;
    return found === -1 ? undefined : place;
  }
}

/** Where bytes lie that did not come as words; used up before the next ones come. */
let desk = new Uint8Array(0);

/** The bytes one after the other, as words can be read of them. */
function joined(rest: Uint8Array, piece: Uint8Array): Uint8Array {
  if (rest.length === 0 && piece.byteOffset % 4 === 0) return piece;
  const length = rest.length + piece.length;
  if (desk.length < length) desk = new Uint8Array(length);
  desk.set(rest);
  desk.set(piece, rest.length);
  return desk.subarray(0, length);
}

function wordsOf({ buffer, byteOffset, length }: Uint8Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length / 4);
}

/** Offset in bytes of the first word with an element that is not finite, or −1. */
function firstOverflow(words: Uint32Array, { exponent, carry, overflow, every }: ExponentTest): number {
  for (let index = every - 1; index < words.length; index += every) {
    if ((((words[index] as number) & exponent) + carry) & overflow) return index * 4;
  }
  return -1;
}
