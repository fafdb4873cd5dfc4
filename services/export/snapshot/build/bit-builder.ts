/** Bits that grow at the end, lowest bit of each byte first. */
export class BitBuilder {
  #bytes = new Uint8Array(64);
  #length = 0;

  push(bit: boolean): void {
    if (this.#length === this.#bytes.length * 8) this.#grow();
    if (bit) {
      const byte = this.#length >>> 3;
      this.#bytes[byte] = (this.#bytes[byte] as number) | (1 << (this.#length & 7));
    }
    this.#length += 1;
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, Math.ceil(this.#length / 8));
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
