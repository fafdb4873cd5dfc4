import { hash } from "node:crypto";
import { ByteBuilder } from "./byte-builder.ts";
import { type Chunk, REJECTED, type RejectedRecord, SAMPLE } from "./chunk.ts";

const LINE_FEED = 10;

export interface ChunkSample {
  readonly line: string;
  /** What deduplication compares; equal to `line` where there is no metadata. */
  readonly content: string;
  readonly weightMicros: number;
  /** Bytes that the weight adds to the line. */
  readonly weightBytes: number;
  readonly schemaInvalid: boolean;
}

/** Collects what became of the records of one chunk. Used again for the next one. */
export class ChunkBuilder {
  readonly #lines = new ByteBuilder(1 << 20);
  readonly #ids = new ByteBuilder(1 << 14);
  readonly #contentHashes = new ByteBuilder(1 << 14);
  readonly #lineLengths: number[] = [];
  readonly #outputBytes: number[] = [];
  readonly #weights: number[] = [];
  readonly #idEnds: number[] = [];
  readonly #idWords: number[] = [];
  readonly #schemaInvalid: number[] = [];
  readonly #outcomes: number[] = [];
  #rejects: RejectedRecord[] = [];

  dropped(condition: number): void {
    this.#outcomes.push(condition);
  }

  rejected(reject: RejectedRecord): void {
    this.#outcomes.push(REJECTED);
    this.#rejects.push(reject);
  }

  sample(id: string, sample: ChunkSample): void {
    this.#outcomes.push(SAMPLE);
    const bytes = this.#lines.appendText(sample.line);
    const line = this.#lines.view.subarray(-bytes);
    this.#contentHashes.appendLatin1(digestOf(sample.content === sample.line ? line : sample.content), 16);
    this.#lines.appendByte(LINE_FEED);
    this.#lineLengths.push(bytes + 1);
    this.#outputBytes.push(bytes + 1 + sample.weightBytes);
    this.#weights.push(sample.weightMicros);
    this.#schemaInvalid.push(sample.schemaInvalid ? 1 : 0);
    this.#addId(id);
  }

  /** Bytes of the lines so far. */
  get bytes(): number {
    return this.#lines.length;
  }

  /** The chunk so far; the builder is empty after it. */
  take({ number, complete, last }: Pick<Chunk, "number" | "complete" | "last">): Chunk {
    const chunk: Chunk = {
      number,
      complete,
      last,
      outcomes: Int16Array.from(this.#outcomes),
      rejects: this.#rejects,
      samples: {
        count: this.#lineLengths.length,
        lines: this.#lines.copy(),
        lineLengths: Uint32Array.from(this.#lineLengths),
        outputBytes: Uint32Array.from(this.#outputBytes),
        weights: Uint32Array.from(this.#weights),
        contentHashes: new Uint32Array(this.#contentHashes.copy().buffer),
        ids: this.#ids.copy(),
        idEnds: Uint32Array.from(this.#idEnds),
        idWords: Uint32Array.from(this.#idWords),
        schemaInvalid: Uint8Array.from(this.#schemaInvalid),
      },
    };
    this.#clear();
    return chunk;
  }

  #addId(id: string): void {
    const bytes = this.#ids.appendText(id);
    const digest = digestOf(this.#ids.view.subarray(-bytes));
    this.#idWords.push(wordAt(digest, 0), wordAt(digest, 4));
    this.#ids.appendByte(LINE_FEED);
    this.#idEnds.push(this.#ids.length);
  }

  #clear(): void {
    this.#rejects = [];
    for (const bytes of [this.#lines, this.#ids, this.#contentHashes]) bytes.clear();
    for (const column of [
      this.#lineLengths,
      this.#outputBytes,
      this.#weights,
      this.#idEnds,
      this.#idWords,
      this.#schemaInvalid,
      this.#outcomes,
    ]) {
      column.length = 0;
    }
  }
}

/** One character a byte: a Buffer for each sample costs more than its hash. */
function digestOf(bytes: string | Uint8Array): string {
  return hash("sha256", bytes, "binary");
}

/** Big-endian. */
function wordAt(bytes: string, at: number): number {
  let word = 0;
  for (let index = at; index < at + 4; index += 1) word = word * 256 + bytes.charCodeAt(index);
  return word;
}
