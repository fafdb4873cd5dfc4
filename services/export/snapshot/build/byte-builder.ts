/** Bytes that grow at the end. */
export class ByteBuilder {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes so far, valid until the next change. */
  get view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  append(source: Buffer, start: number, end: number): void {
    this.reserve(end - start);
    this.#length += source.copy(this.#bytes, this.#length, start, end);
  }

  /** Appends UTF-8. Returns how many bytes it took. */
  appendText(text: string): number {
    this.reserve(text.length * 3);
    const written = this.#bytes.write(text, this.#length, "utf8");
    this.#length += written;
    return written;
  }

  /** Appends the first bytes of a text of one character a byte. */
  appendLatin1(text: string, bytes: number): void {
    this.reserve(bytes);
    this.#length += this.#bytes.write(text, this.#length, bytes, "latin1");
  }

  appendByte(byte: number): void {
    this.reserve(1);
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }

  /** A copy of the bytes, in memory of its own. */
  copy(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.view);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Makes room for so many more bytes. */
  reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
