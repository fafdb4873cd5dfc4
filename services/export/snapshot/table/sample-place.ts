import { entryFields } from "./sample-entry.ts";

/** Where one sample is: a look at its entry in a sample table, of which a stream makes one for each sample that it sends. */
export class SamplePlace {
  readonly sample: number;
  /** Place of its source in the plan. */
  readonly source: number;
  /** Bytes of its line with its line feed. */
  readonly length: number;
  /** Its id: these bytes of a buffer. */
  readonly ids: Buffer;
  readonly idStart: number;
  readonly idEnd: number;
  readonly #entries: Buffer;
  readonly #start: number;

  /** @param entries with its entry at `start`; @param longId where the entry does not hold it */
  constructor(sample: number, source: number, entries: Buffer, start: number, longId: Buffer | undefined) {
    this.sample = sample;
    this.source = source;
    this.#entries = entries;
    this.#start = start;
    this.length = this.#word(entryFields.length);
    this.ids = longId ?? entries;
    this.idStart = longId === undefined ? start + entryFields.id : 0;
    this.idEnd = this.idStart + (longId?.length ?? entries.readUInt16LE(start + entryFields.idLength));
  }

  /** Place of its block in the table's digests. */
  get block(): number {
    return this.#word(entryFields.block);
  }

  /** Where its line begins in the block. */
  get offset(): number {
    return this.#word(entryFields.offset);
  }

  get weightMicros(): number {
    return this.#word(entryFields.weight);
  }

  /** CRC-32 of its line. */
  get lineCheck(): number {
    return this.#word(entryFields.lineCheck);
  }

  get id(): string {
    return this.ids.toString("utf8", this.idStart, this.idEnd);
  }

  #word(field: number): number {
    return this.#entries.readUInt32LE(this.#start + field);
  }
}
