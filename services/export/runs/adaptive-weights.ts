import { setImmediate as nextTurn } from "node:timers/promises";
import type { AdaptiveSampling } from "../../../proto/gen/loraloop/export/v1/run_service.ts";

/** One in the unit of weights. */
const ONE_MICROS = 1_000_000;
const MAX_WEIGHT = 2 ** 32 - 1;
/** Samples that are gone through in about a millisecond; then other calls get their turn. */
const SLICE_SAMPLES = 65_536;

/** Losses of samples, from the losses of their copies. */
export class SampleLosses {
  readonly #sums: Float64Array;
  readonly #counts: Uint32Array;

  constructor(sampleCount: number) {
    this.#sums = new Float64Array(sampleCount);
    this.#counts = new Uint32Array(sampleCount);
  }

  get sampleCount(): number {
    return this.#sums.length;
  }

  /** A negative one counts as none. */
  add(sample: number, loss: number): void {
    if (!(loss >= 0)) return;
    (this.#sums[sample] as number) += loss;
    (this.#counts[sample] as number) += 1;
  }

  /** The mean of the copies of a sample; undefined without any. */
  of(sample: number): number | undefined {
    const count = this.#counts[sample] as number;
    return count === 0 ? undefined : (this.#sums[sample] as number) / count;
  }

  /** The mean of all samples that have one; 0 where none has. */
  async mean(): Promise<number> {
    let [sum, count] = [0, 0];
    await eachSample(this.sampleCount, (sample) => {
      const loss = this.of(sample);
      if (loss === undefined) return;
      sum += loss;
      count += 1;
    });
    return count === 0 ? 0 : sum / count;
  }
}

/** Sampling weights in 10^-6 of all samples, as `AdaptiveSampling` says. */
export async function adaptiveWeights(
  losses: SampleLosses,
  { exponent = 1, minimum = 0.25, maximum = 4 }: AdaptiveSampling,
): Promise<Uint32Array> {
  const mean = await losses.mean();
  const weights = new Uint32Array(losses.sampleCount);
  await eachSample(weights.length, (sample) => {
    const ratio = mean === 0 ? 1 : ((losses.of(sample) ?? mean) / mean) ** exponent;
    weights[sample] = Math.round(Math.min(Math.max(ratio, minimum), maximum) * ONE_MICROS);
  });
  return weights;
}

/** The product of two weights in 10^-6. */
export function productMicros(a: number, b: number): number {
  return Math.min(Math.round((a * b) / ONE_MICROS), MAX_WEIGHT);
}

async function eachSample(sampleCount: number, work: (sample: number) => void): Promise<void> {
  for (let sample = 0; sample < sampleCount; sample += 1) {
    work(sample);
    if ((sample + 1) % SLICE_SAMPLES === 0) await nextTurn();
  }
}
