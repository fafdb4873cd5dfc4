import type { Batch } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { weightText } from "./weight.ts";

/** One sample: the rendered JSON object, with `weight` as its last key where the stream is weighted. */
export type Sample = Record<string, unknown>;

const emptyObject = "{}";

/** The samples of one frame. */
export class SampleBatch {
  /** Ids of the records, one a sample. */
  readonly ids: readonly string[];
  /** Index of the first sample; the others follow without gaps. */
  readonly firstIndex: number;
  readonly #lines: Uint8Array;
  readonly #weights: readonly number[];

  constructor(batch: Batch) {
    this.ids = batch.ids;
    this.firstIndex = Number(batch.indexRuns[0]?.first ?? 0n);
    this.#lines = batch.lines;
    this.#weights = batch.weightsMicros;
  }

  get length(): number {
    return this.ids.length;
  }

  /** Parsed samples. */
  samples(): Sample[] {
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
      const end = this.#lines.indexOf(0x0a, start);
      const comma = end - start > emptyObject.length ? "," : "";
      parts.push(this.#lines.subarray(start, end - 1), Buffer.from(`${comma}"weight":${weightText(micros)}}\n`));
      start = end + 1;
    }
    return Buffer.concat(parts);
  }
}
