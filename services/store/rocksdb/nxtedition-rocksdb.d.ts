/** The part of `@nxtedition/rocksdb` 12.2.12 that we use; the package has no types. */
declare module "@nxtedition/rocksdb" {
  interface OpenOptions {
    readonly createIfMissing?: boolean;
    readonly keyEncoding?: "buffer";
    readonly valueEncoding?: "buffer";
    readonly compression?: boolean;
    readonly blockSize?: number;
    readonly walCompression?: boolean;
    readonly compaction?: "level" | "universal";
    readonly memtableMemoryBudget?: number;
    readonly cacheSize?: number;
    readonly cacheIndexAndFilterBlocks?: boolean;
  }

  interface QueryOptions {
    readonly gte: Uint8Array;
    readonly lt: Uint8Array;
    readonly reverse?: boolean;
    readonly limit?: number;
    readonly keys: boolean;
    readonly values: boolean;
    readonly keyEncoding: "buffer";
    readonly valueEncoding: "buffer";
    readonly fillCache?: boolean;
    readonly asyncIO?: boolean;
    readonly highWaterMarkBytes?: number;
  }

  /** Collects writes in native memory; usable again after `_clear`. */
  interface Batch {
    _put(key: Uint8Array, value: Uint8Array): void;
    _del(key: Uint8Array): void;
    _writeSync(options: { readonly sync: boolean }): void;
    _clear(): void;
  }

  class RocksLevel {
    constructor(locationOrHandle: string | bigint, options: OpenOptions);
    readonly handle: bigint;
    open(): Promise<void>;
    close(): Promise<void>;
    /** `rows` alternates keys and values; a value is undefined when `values` is off. */
    querySync(options: QueryOptions): { readonly rows: Buffer[]; readonly finished: boolean };
    _getManySync(keys: readonly Uint8Array[], options?: object): (Buffer | undefined)[];
    _chainedBatch(): Batch;
  }
}
