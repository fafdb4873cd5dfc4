import { type Batch, RocksLevel } from "@nxtedition/rocksdb";
import { storeClosed } from "../checks.ts";
import { storeError } from "./errors.ts";

/** Tables and log uncompressed, 2 MiB memtables (at most six), one bounded cache for blocks, indexes and filters. */
const options = {
  keyEncoding: "buffer",
  valueEncoding: "buffer",
  compression: false,
  blockSize: 16_384,
  walCompression: false,
  compaction: "universal",
  memtableMemoryBudget: 8 * 1024 * 1024,
  cacheSize: 8 * 1024 * 1024,
  cacheIndexAndFilterBlocks: true,
} as const;

const encoding = { keyEncoding: "buffer", valueEncoding: "buffer", asyncIO: false } as const;

export interface Span {
  readonly gte: Buffer;
  readonly lt: Buffer;
  readonly reverse?: boolean;
  /** −1: no limit. */
  readonly limit: number;
  /** The rows stop after the one that goes over this. */
  readonly bytes?: number;
}

export interface Rows {
  /** Key, value, key, value, … */
  readonly rows: readonly Buffer[];
  readonly finished: boolean;
}

/**
 * RocksDB with only what the adapter needs. All reads are synchronous and leave nothing open:
 * the binding aborts the process when it is closed under a running asynchronous read.
 */
export class Database {
  readonly #level: RocksLevel;
  readonly #owner: boolean;
  #closed = false;

  private constructor(level: RocksLevel, owner: boolean) {
    this.#level = level;
    this.#owner = owner;
  }

  /** Opens a folder, or, given another thread's handle, joins it. */
  static async open(location: string | bigint): Promise<Database> {
    const owner = typeof location === "string";
    const level = new RocksLevel(location, { ...options, createIfMissing: owner });
    try {
      await level.open();
    } catch (error) {
      throw storeError(error, "open");
    }
    return new Database(level, owner);
  }

  get handle(): bigint {
    return this.#level.handle;
  }

  get(...keys: Buffer[]): (Buffer | undefined)[] {
    return this.#read(() => this.#level._getManySync(keys));
  }

  /** Rows of a long scan: they do not push others out of the cache. */
  scan(span: Span): Rows {
    const { bytes, ...range } = span;
    const cap = bytes === undefined ? {} : { highWaterMarkBytes: bytes };
    const query = { ...encoding, ...range, ...cap, keys: true, values: true };
    const { rows, finished } = this.#read(() => this.#level.querySync(query));
    // The binding also calls it finished when the limit is reached.
    return { rows, finished: finished && rows.length / 2 !== span.limit };
  }

  /** The first row of a span. */
  first(gte: Buffer, lt: Buffer): Rows["rows"] {
    const query = { ...encoding, gte, lt, limit: 1, keys: true, values: true, fillCache: true };
    return this.#read(() => this.#level.querySync(query)).rows;
  }

  /** Keys only. */
  keys(span: Span): Buffer[] {
    const { rows } = this.#read(() => this.#level.querySync({ ...encoding, ...span, keys: true, values: false }));
    return rows.filter((_, index) => index % 2 === 0);
  }

  /** One batch, to be written and cleared again and again. */
  batch(): Batch {
    return this.#level._chainedBatch();
  }

  /** All who joined must have ended before the one who opened: closing frees the memory under them. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#owner) return;
    try {
      await this.#level.close();
    } catch (error) {
      throw storeError(error, "write");
    }
  }

  checkOpen(): void {
    if (this.#closed) throw storeClosed();
  }

  #read<Result>(read: () => Result): Result {
    this.checkOpen();
    try {
      return read();
    } catch (error) {
      throw storeError(error, "read");
    }
  }
}
