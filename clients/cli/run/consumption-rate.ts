import type { Run } from "../../typescript/src/index.ts";

interface Mark {
  readonly micros: number;
  readonly samples: number;
}

/** Over how long a rate is taken. */
const WINDOW_MICROS = 60_000_000;

/** Samples that a run has consumed, those of earlier epochs counted. */
export function consumedSamples({ epochs, consumed }: Run): number {
  if (consumed === undefined) return 0;
  const usual = Number(epochs[0]?.sampleCount ?? 0n);
  const known = new Map(epochs.map(({ epoch, sampleCount }) => [epoch, Number(sampleCount)]));
  let samples = Number(consumed.nextIndex);
  for (let epoch = 0; epoch < consumed.epoch; epoch += 1) samples += known.get(epoch) ?? usual;
  return samples;
}

/** How fast a run consumes, from what it says at its checkpoints. */
export class ConsumptionRate {
  #marks: Mark[] = [];

  /** Samples a second over the last minute, or between the last two positions; undefined until there are two. */
  update(run: Run): number | undefined {
    const mark = { micros: microsOf(run), samples: consumedSamples(run) };
    const last = this.#marks.at(-1);
    // A training that has gone back to a checkpoint begins anew.
    if (last !== undefined && mark.samples < last.samples) this.#marks = [];
    if (last?.samples !== mark.samples && run.consumed !== undefined) this.#marks.push(mark);
    while (this.#marks.length > 2 && mark.micros - (this.#marks[1]?.micros ?? 0) >= WINDOW_MICROS) this.#marks.shift();
    return rateOf(this.#marks);
  }
}

function rateOf(marks: readonly Mark[]): number | undefined {
  const [first, last] = [marks[0], marks.at(-1)];
  if (first === undefined || last === undefined || last.micros <= first.micros) return undefined;
  return ((last.samples - first.samples) * 1e6) / (last.micros - first.micros);
}

function microsOf({ updateTime }: Run): number {
  return updateTime === undefined ? 0 : Number(updateTime.seconds) * 1e6 + updateTime.nanos / 1000;
}
