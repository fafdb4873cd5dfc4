import type { Batch } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { weightText } from "./weight.ts";

/** One sample: the rendered JSON object, with `weight` as its last key where the stream is weighted. */
export type Sample = Record<string, unknown>;

/** What a batch is made of: lines as they are, each with a line feed. */
export type BatchContent = Pick<Batch, "lines" | "ids" | "weightsMicros" | "indexRuns">;

const emptyObject = "{}";
const lineFeed = 0x0a;

/** The samples of one frame, in the plan's order. */
export class SampleBatch {
  /** Ids of the records, one a sample. */
  readonly ids: readonly string[];
  /** Index of each sample in the plan, ascending; without gaps where the stream has the whole plan. */
  readonly indices: readonly number[];
  readonly #lines: Uint8Array;
  readonly #weights: readonly number[];

  constructor(content: BatchContent) {
    this.ids = content.ids;
    this.indices = content.indexRuns.flatMap(({ first, count }) =>
      Array.from({ length: count }, (_, place) => Number(first) + place),
    );
    this.#lines = content.lines;
    this.#weights = content.weightsMicros;
  }

  get length(): number {
    return this.ids.length;
  }

  /** Index of the first sample. */
  get firstIndex(): number {
    return this.indices[0] ?? 0;
  }

  /** Parsed samples. */
  samples(): Sample[] {
    if (this.length === 0) return [];
    // One JSON array in one call: JSON strings hold no raw line feed.
    const text = Buffer.from(this.#lines.buffer, this.#lines.byteOffset, this.#lines.byteLength - 1).toString("utf8");
    const samples = JSON.parse(`[${text.replaceAll("\n", ",")}]`) as Sample[];
    for (const [place, micros] of this.#weights.entries()) (samples[place] as Sample)["weight"] = micros / 1e6;
    return samples;
  }

  /** NDJSON with weights, byte for byte what `loraloop stream` prints. */
  ndjson(): Uint8Array {
    if (this.#weights.length === 0) return this.#lines;
    const parts: Uint8Array[] = [];
    let start = 0;
    for (const micros of this.#weights) {
      const end = this.#lines.indexOf(lineFeed, start);
      const comma = end - start > emptyObject.length ? "," : "";
      parts.push(this.#lines.subarray(start, end - 1), Buffer.from(`${comma}"weight":${weightText(micros)}}\n`));
      start = end + 1;
    }
    return Buffer.concat(parts);
  }

  /** The content in pieces of so many samples, together all of them. The bytes are not copied. */
  *cut(counts: Iterable<number>): Generator<BatchContent> {
    let [sample, byte] = [0, 0];
    for (const count of counts) {
      const [end, endByte] = [sample + count, this.#skipLines(byte, count)];
      yield {
        lines: this.#lines.subarray(byte, endByte),
        ids: this.ids.slice(sample, end),
        weightsMicros: this.#weights.slice(sample, end),
        indexRuns: [{ first: BigInt(this.indices[sample] ?? 0), count }],
      };
      [sample, byte] = [end, endByte];
    }
  }

  #skipLines(start: number, count: number): number {
    let end = start;
    for (let line = 0; line < count; line += 1) end = this.#lines.indexOf(lineFeed, end) + 1;
    return end;
  }
}

export function joinContents(contents: readonly BatchContent[]): BatchContent {
  if (contents.length === 1) return contents[0] as BatchContent;
  return {
    lines: Buffer.concat(contents.map(({ lines }) => lines)),
    ids: contents.flatMap(({ ids }) => ids),
    weightsMicros: contents.flatMap(({ weightsMicros }) => weightsMicros),
    indexRuns: contents.flatMap(({ indexRuns }) => indexRuns),
  };
}
