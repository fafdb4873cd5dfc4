import type { Statistics } from "../../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { StoredBlock } from "../../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { encoded } from "../../../kit/encoded.ts";
import { endsBlock, fillsBlock } from "../blocks/boundaries.ts";
import { bytesOf } from "../blocks/page.ts";
import type { BlockWriter } from "./block-writer.ts";
import type { BuiltPage } from "./page-builder.ts";

/** A block whose bytes are on disk. */
export interface BuiltBlock {
  readonly firstSample: number;
  readonly digest: Uint8Array;
  readonly lineBytes: number;
  /** Encoded StoredBlock. */
  readonly index: Uint8Array;
}

/** Collects the pages of one block and writes their bytes. */
export class BlockBuilder {
  readonly firstSample: number;
  readonly #writer: BlockWriter;
  #pages: BuiltPage[] = [];
  #indexBytes = 0;

  constructor(firstSample: number, writer: BlockWriter) {
    this.firstSample = firstSample;
    this.#writer = writer;
  }

  /** Where the next page begins. */
  get bytes(): number {
    return this.#writer.bytes;
  }

  add(page: BuiltPage, lines: Uint8Array): void {
    this.#writer.append(lines);
    this.#pages.push(page);
    this.#indexBytes += page.ids.length + 24 * page.count + 64;
  }

  /** True where the block ends after its newest page. */
  ends(lastIdWord1: number): boolean {
    const newest = this.#pages.at(-1);
    return (
      newest !== undefined && (endsBlock(lastIdWord1, newest.lineBytes) || fillsBlock(this.bytes, this.#indexBytes))
    );
  }

  finish(keptBits: Uint8Array, nextId: string, statistics: Statistics): BuiltBlock {
    const lineBytes = this.bytes;
    const digest = this.#writer.finish();
    const join = (part: (page: BuiltPage) => Uint8Array): Uint8Array => Buffer.concat(this.#pages.map(part));
    const index = encoded(StoredBlock, {
      digest,
      lineBytes,
      firstSample: BigInt(this.firstSample),
      pages: this.#pages.map((page) => ({
        firstId: Buffer.from(page.firstId).toString(),
        count: page.count,
        lineBytes: page.lineBytes,
        digest: page.digest,
      })),
      lineLengths: join((page) => bytesOf(page.lineLengths)),
      weightsMicros: join((page) => bytesOf(page.weights)),
      contentHashes: join((page) => page.contentHashes),
      ids: join((page) => page.ids),
      keptBits,
      statistics,
      nextId,
    });
    return { firstSample: this.firstSample, digest, lineBytes, index };
  }

  abandon(): void {
    this.#writer.abandon();
  }
}
