import { hash } from "node:crypto";
import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import type { ReferenceBatch } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { TenantId } from "../../store/store.ts";
import type { OpenPlan, OpenSource } from "../plan/plans.ts";
import { blockMissing, contentDamaged } from "../snapshot/snapshot-errors.ts";
import type { Snapshots } from "../snapshot/snapshots.ts";
import { isRight } from "../snapshot/table/sample-cursor.ts";
import type { SamplePlace } from "../snapshot/table/sample-place.ts";
import { type BatchParts, layoutBatch } from "./frame-encoder.ts";
import type { PlannedSpan } from "./planned-samples.ts";

const LINE_FEED = 10;
const compress = promisify(zstdCompress);
/** Fast: 2 kB texts come out at a third to a half. */
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export interface PlannedFramesOptions {
  readonly plan: OpenPlan;
  readonly tenant: TenantId;
  readonly snapshots: Snapshots;
  /** Whether samples carry weights. */
  readonly weighted: boolean;
}

/** A frame and the SHA-256 of its lines. */
export interface LinesFrame {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly digest: Uint8Array;
}

/** Makes frames of samples that were found in a plan. */
export class PlannedFrames {
  readonly #options: PlannedFramesOptions;
  /** Paths of the blocks of each source, once they were needed. */
  readonly #paths: string[][];

  constructor(options: PlannedFramesOptions) {
    this.#options = options;
    this.#paths = options.plan.sources.map(() => []);
  }

  /** Lines are read straight into the frame. */
  lines(span: PlannedSpan): LinesFrame {
    const parts = { ...this.#partsOf(span), lineBytes: span.lineBytes, uncompressedBytes: 0 };
    const { bytes, lines } = layoutBatch(parts);
    this.#read(span.places, lines);
    return { bytes, digest: hash("sha256", lines, "buffer") };
  }

  async compressedLines(span: PlannedSpan): Promise<LinesFrame> {
    const lines = Buffer.allocUnsafe(span.lineBytes);
    this.#read(span.places, lines);
    const compressed = await compress(lines, compression);
    const sizes = { lineBytes: compressed.length, uncompressedBytes: lines.length };
    const { bytes, lines: target } = layoutBatch({ ...this.#partsOf(span), ...sizes });
    compressed.copy(target);
    return { bytes, digest: hash("sha256", lines, "buffer") };
  }

  references({ places, runs }: PlannedSpan): ReferenceBatch {
    const digests = new Map<string, { place: number; digest: Uint8Array }>();
    const blocks = places.map(({ source, block }) => {
      const name = `${source}/${block}`;
      const digest = this.#source(source).table.blockDigests[block] as Uint8Array;
      const known = digests.get(name) ?? { place: digests.size, digest };
      digests.set(name, known);
      return known.place;
    });
    return {
      blockDigests: [...digests.values()].map(({ digest }) => digest),
      blocks,
      offsets: places.map(({ offset }) => offset),
      lengths: places.map(({ length }) => length),
      ids: places.map(({ id }) => id),
      weightsMicros: this.#options.weighted ? places.map(({ weightMicros }) => weightMicros) : [],
      indexRuns: runs.map(({ first, count }) => ({ first: BigInt(first), count })),
    };
  }

  #partsOf({ places, runs, lineBytes }: PlannedSpan): Omit<BatchParts, "lineBytes" | "uncompressedBytes"> {
    const weights = this.#options.weighted ? [Uint32Array.from(places.map(({ weightMicros }) => weightMicros))] : [];
    return { ids: [joinIds(places)], weights, runs, segmentBytes: [lineBytes] };
  }

  /** Lines that lie side by side are read at once. */
  #read(places: readonly SamplePlace[], target: Buffer): void {
    let start = 0;
    for (let place = 0; place < places.length; ) {
      const first = places[place] as SamplePlace;
      let [end, bytes] = [place + 1, first.length];
      for (let next = places[end]; next !== undefined && follows(first, bytes, next); next = places[end]) {
        bytes += next.length;
        end += 1;
      }
      this.#readLines(first, target, start, bytes);
      for (; place < end; place += 1) start = this.#check(places[place] as SamplePlace, target, start);
    }
  }

  #readLines({ source, block, offset, sample }: SamplePlace, target: Buffer, start: number, bytes: number): void {
    const { openFiles } = this.#options.snapshots;
    try {
      if (openFiles.read(this.#path(source, block), offset, target, start, bytes)) return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      throw blockMissing(this.#source(source).key, sample, error as Error);
    }
    throw contentDamaged(this.#source(source).key, sample);
  }

  /** Where the next line begins. */
  #check(place: SamplePlace, lines: Buffer, start: number): number {
    const { key, table } = this.#source(place.source);
    if (!isRight(table, place, lines, start)) throw contentDamaged(key, place.sample);
    return start + place.length;
  }

  #path(source: number, block: number): string {
    const paths = this.#paths[source] as string[];
    const { snapshots, tenant } = this.#options;
    paths[block] ??= snapshots.blockPath(tenant, this.#source(source).table.blockDigests[block] as Uint8Array);
    return paths[block];
  }

  #source(source: number): OpenSource {
    return this.#options.plan.sources[source] as OpenSource;
  }
}

function follows(first: SamplePlace, bytes: number, next: SamplePlace): boolean {
  return next.source === first.source && next.block === first.block && next.offset === first.offset + bytes;
}

/** Ids, each followed by a line feed. */
function joinIds(places: readonly SamplePlace[]): Uint8Array {
  const ids = Buffer.allocUnsafe(places.reduce((sum, { idStart, idEnd }) => sum + idEnd - idStart + 1, 0));
  let end = 0;
  for (const { ids: source, idStart, idEnd } of places) {
    for (let byte = idStart; byte < idEnd; byte += 1) ids[end++] = source[byte] as number;
    ids[end++] = LINE_FEED;
  }
  return ids;
}
