/** Indices of one stored part: few enough that one loss rewrites 4 kB, enough that a million are a thousand parts. */
export const PART_LOSSES = 1024;

const BYTES = Float32Array.BYTES_PER_ELEMENT;

/** What changed in a part. */
export interface LossChange {
  readonly count: number;
  readonly sum: number;
}

/** Losses of a part by their place in it; NaN where there is none. */
export function decodeLosses(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const losses = new Float32Array(PART_LOSSES).fill(Number.NaN);
  losses.set(new Float32Array(Uint8Array.from(bytes).buffer));
  return losses;
}

export function encodeLosses(losses: Float32Array<ArrayBuffer>): Uint8Array {
  const last = losses.findLastIndex((loss) => !Number.isNaN(loss));
  return new Uint8Array(losses.buffer, 0, (last + 1) * BYTES);
}

/** Sets one loss, or none where it is no finite number. */
export function setLoss(losses: Float32Array, place: number, loss: number): LossChange {
  const old = losses[place] ?? Number.NaN;
  losses[place] = Number.isFinite(loss) ? loss : Number.NaN;
  const [gone, come] = [!Number.isNaN(old), Number.isFinite(loss)];
  return { count: Number(come) - Number(gone), sum: (come ? (losses[place] as number) : 0) - (gone ? old : 0) };
}
