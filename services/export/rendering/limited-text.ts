import { limits } from "../../kit/limits.ts";

/** Thrown before a sample grows past what one may have; nothing larger is ever held. */
export class SampleTooLarge extends Error {
  override readonly name = "SampleTooLarge";

  constructor() {
    super(`Sample larger than sample_bytes (${limits.sample_bytes})`);
  }
}

/** Throws SampleTooLarge above `sample_bytes` in UTF-8. */
export function checkSampleBytes(text: string): void {
  if (text.length * 3 > limits.sample_bytes && Buffer.byteLength(text) > limits.sample_bytes) {
    throw new SampleTooLarge();
  }
}

/** Cheap, for text that is still growing: throws SampleTooLarge once it is certain, as every character has at least one byte. */
export function checkGrowing(text: string): void {
  if (text.length > limits.sample_bytes) {
    throw new SampleTooLarge();
  }
}
