import { gzipSync, zstdCompressSync } from "node:zlib";
import { ByteWriter, type ColumnSource, ParquetWriter } from "hyparquet-writer";
import type { Sample } from "../../typescript/src/index.ts";
import { type Column, columnsOf, schemaOf } from "./parquet-columns.ts";
import type { StructType } from "./sample-type.ts";
import type { Compression, Shard, ShardOptions } from "./shard.ts";
import { type FileDigest, ShardFile } from "./shard-file.ts";

const codecs = { none: "UNCOMPRESSED", gzip: "GZIP", zstd: "ZSTD" } as const;
const compressors = {
  GZIP: (bytes: Uint8Array) => gzipSync(bytes),
  ZSTD: (bytes: Uint8Array) => zstdCompressSync(bytes),
};

/** A row group holds samples of about so many bytes as JSON: what the writer keeps in memory. */
const rowGroupBytes = 32 * 1024 * 1024;

export async function openParquetShard(path: string, { compression, type }: ShardOptions): Promise<Shard> {
  return new ParquetShard(await ShardFile.open(path, 0), compression, type);
}

/** The columns are those of the type at the first row group, which is complete then. */
class ParquetShard implements Shard {
  readonly #file: ShardFile;
  readonly #bytes = new ByteWriter();
  readonly #compression: Compression;
  readonly #type: () => StructType;
  #writer: { readonly parquet: ParquetWriter; readonly columns: readonly Column[] } | undefined;
  #samples: Sample[] = [];
  #sampleBytes = 0;

  constructor(file: ShardFile, compression: Compression, type: () => StructType) {
    this.#file = file;
    this.#compression = compression;
    this.#type = type;
  }

  add(line: Uint8Array, sample: Sample): Promise<void> | undefined {
    this.#samples.push(sample);
    this.#sampleBytes += line.length;
    return this.#sampleBytes < rowGroupBytes ? undefined : this.#writeRowGroup();
  }

  save(): undefined {}

  async finish(): Promise<FileDigest> {
    await this.#writeRowGroup();
    await this.#writer?.parquet.finish();
    this.#flush();
    return this.#file.finish();
  }

  close(): void {
    this.#file.close();
  }

  async #writeRowGroup(): Promise<void> {
    this.#writer ??= this.#open();
    const columnData = this.#writer.columns.map(({ name, convert }): ColumnSource => {
      return { name, data: this.#samples.map((sample) => convert(Object.hasOwn(sample, name) ? sample[name] : null)) };
    });
    await this.#writer.parquet.write({ columnData, rowGroupSize: Math.max(this.#samples.length, 1) });
    this.#samples = [];
    this.#sampleBytes = 0;
    this.#flush();
  }

  #open() {
    const columns = columnsOf(this.#type());
    const parquet = new ParquetWriter({
      writer: this.#bytes,
      schema: schemaOf(columns),
      codec: codecs[this.#compression],
      compressors,
      createdBy: "loraloop",
    });
    return { parquet, columns };
  }

  #flush(): void {
    this.#file.append(this.#bytes.getBytes());
    this.#bytes.index = 0;
  }
}
