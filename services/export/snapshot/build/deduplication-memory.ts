import { ServiceError } from "../../../kit/errors.ts";
import { limits } from "../../../kit/limits.ts";

/** Shared by threads: what all builds hold, and what the build of one thread holds of it. In bytes. */
export interface DeduplicationCounts {
  readonly all: Int32Array<SharedArrayBuffer>;
  readonly own: Int32Array<SharedArrayBuffer>;
}

export function sharedCount(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** The memory of the tables of one thread's build, out of what all builds of the process may take together. */
export class DeduplicationMemory {
  readonly #counts: DeduplicationCounts;

  constructor(counts: DeduplicationCounts) {
    this.#counts = counts;
  }

  /** Throws LIMIT_EXCEEDED, which passes when other builds end. */
  take(bytes: number): void {
    const { all, own } = this.#counts;
    const total = Atomics.add(all, 0, bytes) + bytes;
    Atomics.add(own, 0, bytes);
    if (total > limits.deduplication_bytes) throw memoryExhausted(total);
  }

  /** Gives back all that the thread holds. */
  release(): void {
    const { all, own } = this.#counts;
    Atomics.sub(all, 0, Atomics.exchange(own, 0, 0));
  }
}

function memoryExhausted(actual: number): ServiceError {
  const maximum = limits.deduplication_bytes;
  return new ServiceError(
    "LIMIT_EXCEEDED",
    `Builds with deduplication need ${actual} bytes at once; the limit deduplication_bytes is ${maximum}. Ask again when others have ended; this build goes on where it was.`,
    { limit: "deduplication_bytes", maximum: String(maximum), actual: String(actual) },
    { retryAfterSeconds: 5 },
  );
}
