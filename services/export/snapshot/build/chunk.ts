import type { RejectReason } from "../../../../proto/gen/loraloop/export/v1/snapshot.ts";

/** In `Chunk.outcomes`: the record gave a sample. */
export const SAMPLE = -1;
/** In `Chunk.outcomes`: the record was rejected. Other values are the index of the condition that dropped it. */
export const REJECTED = -2;

/** A run of records in id order, rendered: what a render thread hands to a build thread. */
export interface Chunk {
  /** Its place in the scan, from 0. */
  readonly number: number;
  /** False where more of the same number follows, once this part was taken. */
  readonly complete: boolean;
  /** True for the chunk at the end of the collection. */
  readonly last: boolean;
  /** What became of each record. */
  readonly outcomes: Int16Array;
  readonly rejects: readonly RejectedRecord[];
  readonly samples: SampleColumns;
}

export interface RejectedRecord {
  readonly id: string;
  readonly reason: RejectReason;
  readonly problem: string;
}

/** The samples of a chunk by column. Each array has memory of its own, so that it can be transferred. */
export interface SampleColumns {
  readonly count: number;
  /** All lines, each with its line feed. */
  readonly lines: Uint8Array<ArrayBuffer>;
  readonly lineLengths: Uint32Array<ArrayBuffer>;
  /** Bytes of each line with its weight, as a client writes it. */
  readonly outputBytes: Uint32Array<ArrayBuffer>;
  readonly weights: Uint32Array<ArrayBuffer>;
  /** Four words each: what deduplication compares. */
  readonly contentHashes: Uint32Array<ArrayBuffer>;
  /** All ids, each followed by a line feed. */
  readonly ids: Uint8Array<ArrayBuffer>;
  /** End of each id in `ids`, after its line feed. */
  readonly idEnds: Uint32Array<ArrayBuffer>;
  /** The first two words of SHA-256(id), big-endian. */
  readonly idWords: Uint32Array<ArrayBuffer>;
  /** 1 for a sample that was kept though it does not fit the schema. */
  readonly schemaInvalid: Uint8Array<ArrayBuffer>;
}

/** The memory that moves with a chunk from thread to thread. */
export function transfersOf({ outcomes, samples }: Chunk): ArrayBuffer[] {
  const { count: _, ...columns } = samples;
  return [outcomes.buffer as ArrayBuffer, ...Object.values(columns).map(({ buffer }) => buffer)];
}
