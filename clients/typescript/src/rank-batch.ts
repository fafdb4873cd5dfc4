import { type BatchContent, joinContents, SampleBatch } from "./sample-batch.ts";
import type { BatchRange, ShareRanges } from "./share.ts";
import type { StreamState } from "./stream-state.ts";

/** What one rank takes of one global batch. */
export class RankBatch extends SampleBatch {
  /** Number of the global batch in the plan. */
  readonly globalBatch: number;
  /** Goes on after this batch, equal on all ranks: keep it once the batch is consumed. Small plain JSON. */
  readonly state: StreamState;

  constructor(content: BatchContent, globalBatch: number, state: StreamState) {
    super(content);
    this.globalBatch = globalBatch;
    this.state = state;
  }
}

/** Makes batches of a rank from frames, which end anywhere. */
export class RankBatches {
  readonly #ranges: ShareRanges;
  readonly #stateAt: (nextIndex: number) => StreamState;
  #parts: BatchContent[] = [];

  constructor(ranges: ShareRanges, stateAt: (nextIndex: number) => StreamState) {
    this.#ranges = ranges;
    this.#stateAt = stateAt;
  }

  /** The batches that this frame completes; what is left of it belongs to the next. */
  *take(frame: SampleBatch): Generator<RankBatch> {
    const pieces = [...this.#piecesOf(frame)];
    const contents = frame.cut(pieces.map(({ first, end }) => end - first));
    for (const { batch, end } of pieces) {
      this.#parts.push(contents.next().value as BatchContent);
      // Undefined after the last batch, another one after the rank's last sample of this one.
      if (this.#ranges.from(end)?.batch === batch) continue;
      yield new RankBatch(joinContents(this.#parts), batch, this.#stateAt(this.#ranges.after(batch)));
      this.#parts = [];
    }
  }

  /** A frame's samples, one piece for each batch. */
  *#piecesOf({ indices }: SampleBatch): Generator<BatchRange> {
    for (let sample = 0; sample < indices.length; ) {
      const { batch, first, end } = this.#ranges.from(indices[sample] as number) as BatchRange;
      const count = Math.min(end - first, indices.length - sample);
      yield { batch, first, end: first + count };
      sample += count;
    }
  }
}
