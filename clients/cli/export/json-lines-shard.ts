import { once } from "node:events";
import { createGzip, createZstdCompress, type Gzip, type ZstdCompress, constants as zlib } from "node:zlib";
import type { Compression, Shard, ShardOptions } from "./shard.ts";
import { type FileDigest, ShardFile } from "./shard-file.ts";

export async function openJsonLinesShard(path: string, { compression, keep }: ShardOptions): Promise<Shard> {
  const file = await ShardFile.open(path, keep);
  return compression === "none" ? new PlainShard(file) : new CompressedShard(file, compression);
}

/** Compressors are always given pieces of this size, so that the same lines give the same bytes. */
const pieceBytes = 256 * 1024;

/** Lines as pieces of one size, and a last one. */
class Pieces {
  readonly #piece = Buffer.allocUnsafe(pieceBytes);
  #filled = 0;

  /** The pieces that `line` completes; each is overwritten when the next is asked for. */
  *add(line: Uint8Array): Generator<Uint8Array> {
    let taken = 0;
    while (taken < line.length) {
      const count = Math.min(pieceBytes - this.#filled, line.length - taken);
      this.#piece.set(line.subarray(taken, taken + count), this.#filled);
      this.#filled += count;
      taken += count;
      if (this.#filled === pieceBytes) yield this.rest();
    }
  }

  rest(): Uint8Array {
    const rest = this.#piece.subarray(0, this.#filled);
    this.#filled = 0;
    return rest;
  }
}

class PlainShard implements Shard {
  readonly #pieces = new Pieces();
  readonly #file: ShardFile;

  constructor(file: ShardFile) {
    this.#file = file;
  }

  add(line: Uint8Array): undefined {
    for (const piece of this.#pieces.add(line)) this.#file.append(piece);
  }

  save(): number {
    this.#file.append(this.#pieces.rest());
    return this.#file.sync();
  }

  async finish(): Promise<FileDigest> {
    this.#file.append(this.#pieces.rest());
    return this.#file.finish();
  }

  close(): void {
    this.#file.close();
  }
}

class CompressedShard implements Shard {
  readonly #pieces = new Pieces();
  readonly #file: ShardFile;
  readonly #compressor: Gzip | ZstdCompress;
  /** Rejects when the file could not be written: nobody waits for that place. */
  readonly #failure = Promise.withResolvers<never>();

  constructor(file: ShardFile, compression: Exclude<Compression, "none">) {
    this.#file = file;
    this.#compressor =
      compression === "gzip" ? createGzip() : createZstdCompress({ params: { [zlib.ZSTD_c_checksumFlag]: 1 } });
    this.#compressor.on("data", (bytes: Buffer) => {
      try {
        file.append(bytes);
      } catch (error) {
        this.#failure.reject(error);
      }
    });
    this.#failure.promise.catch(() => undefined);
  }

  add(line: Uint8Array): Promise<void> | undefined {
    const pieces = this.#pieces.add(line);
    const { done, value } = pieces.next();
    return done ? undefined : this.#compressAll(value, pieces);
  }

  save(): undefined {}

  async finish(): Promise<FileDigest> {
    const ended = once(this.#compressor, "end");
    this.#compressor.end(this.#pieces.rest());
    await Promise.race([this.#failure.promise, ended]);
    return this.#file.finish();
  }

  close(): void {
    this.#compressor.removeAllListeners("data").destroy();
    this.#file.close();
  }

  async #compressAll(first: Uint8Array, others: Iterable<Uint8Array>): Promise<void> {
    await this.#compress(first);
    for (const piece of others) await this.#compress(piece);
  }

  #compress(piece: Uint8Array): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      this.#compressor.write(piece, (error) => (error ? reject(error) : resolve()));
    });
    return Promise.race([this.#failure.promise, written]);
  }
}
