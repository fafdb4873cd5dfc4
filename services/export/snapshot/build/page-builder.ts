import { hash } from "node:crypto";
import type { Page } from "../blocks/page.ts";
import { ByteBuilder } from "./byte-builder.ts";
import type { SampleColumns } from "./chunk.ts";

/** A finished page with all that the block's index needs. */
export interface BuiltPage extends Page {
  readonly firstId: Uint8Array;
  /** 16 bytes a sample. */
  readonly contentHashes: Uint8Array;
}

/** Collects the samples of one page. */
export class PageBuilder {
  readonly #lines = new ByteBuilder(256 * 1024);
  readonly #ids = new ByteBuilder(4096);
  readonly #contentHashes = new ByteBuilder(4096);
  readonly #weighted: boolean;
  #lineLengths: number[] = [];
  #weights: number[] = [];

  constructor(weighted: boolean) {
    this.#weighted = weighted;
  }

  get bytes(): number {
    return this.#lines.length;
  }

  get count(): number {
    return this.#lineLengths.length;
  }

  add(samples: ChunkBytes, sample: number, lineStart: number): void {
    const { columns } = samples;
    const length = columns.lineLengths[sample] as number;
    this.#lines.append(samples.lines, lineStart, lineStart + length);
    this.#ids.append(
      samples.ids,
      sample === 0 ? 0 : (columns.idEnds[sample - 1] as number),
      columns.idEnds[sample] as number,
    );
    this.#contentHashes.append(samples.contentHashes, sample * 16, sample * 16 + 16);
    this.#lineLengths.push(length);
    if (this.#weighted) this.#weights.push(columns.weights[sample] as number);
  }

  /** The page, and its lines until the next change. */
  finish(firstSample: number, offset: number): { page: BuiltPage; lines: Uint8Array } {
    const lines = this.#lines.view;
    const ids = this.#ids.copy();
    const page: BuiltPage = {
      firstSample,
      count: this.count,
      offset,
      lineBytes: lines.length,
      digest: hash("sha256", lines, "buffer"),
      lineLengths: Uint32Array.from(this.#lineLengths),
      weights: Uint32Array.from(this.#weights),
      ids,
      firstId: ids.subarray(0, ids.indexOf(10)),
      contentHashes: this.#contentHashes.copy(),
    };
    return { page, lines };
  }

  clear(): void {
    this.#lines.clear();
    this.#ids.clear();
    this.#contentHashes.clear();
    this.#lineLengths = [];
    this.#weights = [];
  }
}

/** A chunk's columns, with the byte columns as buffers. */
export interface ChunkBytes {
  readonly columns: SampleColumns;
  readonly lines: Buffer;
  readonly ids: Buffer;
  readonly contentHashes: Buffer;
}

export function bytesOfChunk(columns: SampleColumns): ChunkBytes {
  return {
    columns,
    lines: Buffer.from(columns.lines.buffer),
    ids: Buffer.from(columns.ids.buffer),
    contentHashes: Buffer.from(columns.contentHashes.buffer),
  };
}
