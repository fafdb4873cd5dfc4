import { RejectReason, type Statistics } from "../../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { StoredBlock } from "../../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { ServiceError } from "../../../kit/errors.ts";
import { isError } from "../../rendering/rejection.ts";
import type { StatisticsBuilder } from "../../rendering/statistics.ts";
import { endsPage, overflowsPage } from "../blocks/boundaries.ts";
import { pagesOf, words } from "../blocks/page.ts";
import { BitBuilder } from "./bit-builder.ts";
import { BlockBuilder, type BuiltBlock } from "./block-builder.ts";
import type { BlockWriter } from "./block-writer.ts";
import { type Chunk, REJECTED, SAMPLE } from "./chunk.ts";
import { ContentSet } from "./content-set.ts";
import { type BuiltPage, bytesOfChunk, type ChunkBytes, PageBuilder } from "./page-builder.ts";
import { SnapshotDigest } from "./snapshot-digest.ts";

export interface AssemblerOptions {
  readonly skipDuplicates: boolean;
  /** Then the build fails at one sample more. */
  readonly deduplicatedSamples: number;
  /** Hears of the memory that deduplication is about to use, in bytes; what it throws ends the build. */
  readonly takeMemory: (bytes: number) => void;
  readonly weighted: boolean;
  /** The build fails at one error more. */
  readonly maxErrors: number | undefined;
  readonly statistics: StatisticsBuilder;
  /** The statistics with what the builder does not know. */
  readonly finishStatistics: (statistics: Statistics) => Statistics;
  readonly openBlock: (firstSample: number) => BlockWriter;
  /** `lines` are valid during the call. */
  readonly onPage: (page: BuiltPage, lines: Uint8Array) => void;
  readonly onBlock: (block: BuiltBlock) => void;
}

/** Greater than every id, which has 256 bytes at most: after the last block, nothing is left to scan. */
const BEYOND_ALL_IDS = "\u{10FFFF}".repeat(65);

/** Makes pages and blocks of rendered chunks, in order: deduplicates, cuts, hashes, counts. Knows no threads and no store. */
export class Assembler {
  readonly #options: AssemblerOptions;
  readonly #statistics: StatisticsBuilder;
  readonly #digest = new SnapshotDigest();
  readonly #contents: ContentSet;
  readonly #page: PageBuilder;
  #block: BlockBuilder | undefined;
  /** Since the last block: one bit for each record that only deduplication could drop. */
  #kept = new BitBuilder();
  #sampleCount = 0;
  #errorCount = 0;
  /** Second id word of the newest sample: says where its block ends. */
  #lastIdWord1 = 0;

  constructor(options: AssemblerOptions) {
    this.#options = options;
    this.#contents = new ContentSet(options.takeMemory);
    this.#statistics = options.statistics;
    this.#page = new PageBuilder(options.weighted);
    this.#errorCount = options.statistics
      .toMessage()
      .rejects.reduce((sum, { reason, count }) => (isError(reason) ? sum + Number(count) : sum), 0);
  }

  /** Samples in finished pages. */
  get sampleCount(): number {
    return this.#sampleCount;
  }

  /** Takes a block of an earlier session as built. Its statistics come with the options. */
  restore(block: StoredBlock): void {
    const ids = block.pages.map(({ firstId }) => Buffer.from(firstId));
    for (const [place, page] of pagesOf(block).entries()) {
      this.#digest.add({ ...page, firstId: ids[place] as Uint8Array });
      this.#sampleCount += page.count;
    }
    if (!this.#options.skipDuplicates) return;
    const hashes = words(block.contentHashes);
    for (let sample = 0; sample < hashes.length / 4; sample += 1) this.#contents.add(hashes, sample);
  }

  /** Chunks come in order of their numbers. Throws TOO_MANY_ERRORS, LIMIT_EXCEEDED. */
  add(chunk: Chunk): void {
    const samples = bytesOfChunk(chunk.samples);
    let [sample, lineStart, rejected] = [0, 0, 0];
    for (const outcome of chunk.outcomes) {
      if (outcome === SAMPLE) {
        this.#addSample(samples, sample, lineStart);
        lineStart += samples.columns.lineLengths[sample] as number;
        sample += 1;
      } else if (outcome === REJECTED) {
        const { id, reason, problem } = chunk.rejects[rejected] as Chunk["rejects"][number];
        this.#reject(id, reason, problem);
        rejected += 1;
      } else {
        this.#statistics.scanned();
        this.#statistics.dropped(outcome);
      }
    }
  }

  /** Finishes the last page and block. */
  finish(): { digest: Uint8Array; statistics: Statistics } {
    if (this.#page.count > 0) this.#endPage();
    if (this.#block !== undefined) this.#endBlock(this.#block, BEYOND_ALL_IDS);
    return { digest: this.#digest.value(), statistics: this.statistics() };
  }

  statistics(): Statistics {
    return this.#options.finishStatistics(this.#statistics.toMessage());
  }

  /** Lets go of the file. */
  abandon(): void {
    this.#block?.abandon();
  }

  #addSample(samples: ChunkBytes, sample: number, lineStart: number): void {
    const { columns } = samples;
    if (this.#isDuplicate(columns.contentHashes, sample)) {
      this.#kept.push(false);
      this.#reject(idOf(samples, sample), RejectReason.REJECT_REASON_DUPLICATE, "Duplicate of an earlier sample");
      return;
    }
    const lineBytes = columns.lineLengths[sample] as number;
    if (overflowsPage(this.#page.bytes, lineBytes)) this.#cut(() => idOf(samples, sample));
    this.#statistics.scanned();
    this.#statistics.sample(lineBytes, columns.outputBytes[sample] as number, columns.schemaInvalid[sample] === 1);
    this.#page.add(samples, sample, lineStart);
    if (this.#options.skipDuplicates) this.#kept.push(true);
    this.#lastIdWord1 = columns.idWords[sample * 2 + 1] as number;
    if (endsPage(columns.idWords[sample * 2] as number, lineBytes)) this.#cut(() => `${idOf(samples, sample)}\0`);
  }

  #isDuplicate(hashes: Uint32Array, sample: number): boolean {
    if (!this.#options.skipDuplicates) return false;
    if (!this.#contents.add(hashes, sample)) return true;
    const limit = this.#options.deduplicatedSamples;
    if (this.#contents.size > limit) throw tooManySamples(limit);
    return false;
  }

  #reject(id: string, reason: RejectReason, problem: string): void {
    this.#statistics.scanned();
    this.#statistics.rejected(id, reason, problem);
    if (!isError(reason)) return;
    this.#errorCount += 1;
    const { maxErrors } = this.#options;
    if (maxErrors !== undefined && this.#errorCount > maxErrors)
      throw tooManyErrors(this.#errorCount, maxErrors, id, problem);
  }

  /** Ends the page, and the block where it ends there. `nextId` is the first id that comes after. */
  #cut(nextId: () => string): void {
    const block = this.#endPage();
    if (block.ends(this.#lastIdWord1)) this.#endBlock(block, nextId());
  }

  #endPage(): BlockBuilder {
    const block = this.#openBlock();
    const { page, lines } = this.#page.finish(this.#sampleCount, block.bytes);
    block.add(page, lines);
    this.#digest.add(page);
    this.#sampleCount += page.count;
    this.#options.onPage(page, lines);
    this.#page.clear();
    return block;
  }

  #endBlock(block: BlockBuilder, nextId: string): void {
    const built = block.finish(this.#kept.bytes(), nextId, this.statistics());
    this.#block = undefined;
    this.#kept = new BitBuilder();
    this.#options.onBlock(built);
  }

  #openBlock(): BlockBuilder {
    this.#block ??= new BlockBuilder(this.#sampleCount, this.#options.openBlock(this.#sampleCount));
    return this.#block;
  }
}

function idOf({ ids, columns }: ChunkBytes, sample: number): string {
  const start = sample === 0 ? 0 : (columns.idEnds[sample - 1] as number);
  return ids.toString("utf8", start, (columns.idEnds[sample] as number) - 1);
}

function tooManyErrors(count: number, maximum: number, id: string, problem: string): ServiceError {
  return new ServiceError(
    "TOO_MANY_ERRORS",
    `${count} records have errors, ${maximum} are allowed; the last is ${id}: ${problem}.`,
    { error_count: String(count), max_errors: String(maximum), record_id: id, problem },
  );
}

function tooManySamples(limit: number): ServiceError {
  return new ServiceError(
    "LIMIT_EXCEEDED",
    `A snapshot with deduplication has at most ${limit} samples (deduplicated_samples).`,
    {
      limit: "deduplicated_samples",
      maximum: String(limit),
    },
  );
}
