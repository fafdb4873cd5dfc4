/** Memory of one frame. `bytes` is valid until `release`. */
export interface FrameBuffer {
  readonly bytes: Buffer<ArrayBuffer>;
  release(): void;
}

/** A large frame of ordinary samples with ids and weights; larger ones get memory of their own. */
const POOLED_BYTES = 384 * 1024;
const MAX_IDLE = 16;

/**
 * Lends frames their memory. New memory for each frame of 256 kB makes V8 collect garbage every hundredth frame, which costs more than
 * all the rest. The buffers are resizable, so that each holds one frame exactly and nice-grpc passes it on without a copy.
 */
export class FrameBuffers {
  readonly #idle: ArrayBuffer[] = [];

  take(length: number): FrameBuffer {
    if (length > POOLED_BYTES) return { bytes: Buffer.from(new ArrayBuffer(length)), release: () => undefined };
    const memory = this.#idle.pop() ?? new ArrayBuffer(0, { maxByteLength: POOLED_BYTES });
    memory.resize(length);
    return { bytes: Buffer.from(memory), release: () => this.#giveBack(memory) };
  }

  #giveBack(memory: ArrayBuffer): void {
    if (this.#idle.length < MAX_IDLE) this.#idle.push(memory);
  }
}
