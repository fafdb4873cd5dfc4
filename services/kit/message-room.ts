/** What a gRPC client takes unless told otherwise, less room for a page token. */
const messageBytes = 4 * 1024 * 1024 - 1024;

/** Tag and length of one item. */
const overheadBytes = 6;

/** Ends a page before its message is larger than what clients take unless told otherwise. */
export class MessageRoom {
  #taken = 0;

  /** Whether an item of so many encoded bytes still fits; the first always does. */
  take(bytes: number): boolean {
    const isFirst = this.#taken === 0;
    this.#taken += bytes + overheadBytes;
    return isFirst || this.#taken <= messageBytes;
  }
}
