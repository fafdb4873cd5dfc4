import { ServiceError } from "../../kit/errors.ts";
import { MAX_PAGE_BYTES } from "../snapshot/blocks/boundaries.ts";

const MIB = 1024 * 1024;
/** Frames of a stream that may wait for the network. */
const FRAMES = 2;
/** Up to so many streams get large frames. */
const FEW_STREAMS = 8;
/** With ids and weights still less than 256 KiB: the memory of larger ones goes back to the system (`limitMemory`), and costs more to get than to fill. */
const LARGE_FRAME_BYTES: number = 240 * 1024;
export const SMALL_FRAME_BYTES = 65_536;

/** The memory that the frames of all streams may take; shared out when a stream begins. */
export class StreamMemory {
  readonly #maximum: number;
  #reserved = 0;
  #streams = 0;

  constructor(maximumMib: number) {
    this.#maximum = maximumMib * MIB;
  }

  /** Bytes of lines that a frame should have now: large frames are faster, small ones leave room for many streams. */
  get frameBytes(): number {
    return this.#streams <= FEW_STREAMS ? LARGE_FRAME_BYTES : SMALL_FRAME_BYTES;
  }

  /**
   * Room for one stream's frames until it is disposed of. Throws STREAMS_EXHAUSTED.
   * @param frameBytes of its usual frames; a larger one needs `fit`
   */
  open(frameBytes: number = MAX_PAGE_BYTES): StreamRoom {
    const room = new StreamRoom((bytes) => this.#reserve(bytes));
    room.fit(frameBytes);
    this.#streams += 1;
    return room.onClose(() => {
      this.#streams -= 1;
    });
  }

  #reserve(bytes: number): void {
    if (this.#reserved + bytes > this.#maximum) throw exhausted(this.#streams, this.#maximum / MIB);
    this.#reserved += bytes;
  }
}

/** One stream's share. */
export class StreamRoom implements Disposable {
  readonly #reserve: (bytes: number) => void;
  #bytes = 0;
  #close: () => void = () => undefined;

  constructor(reserve: (bytes: number) => void) {
    this.#reserve = reserve;
  }

  onClose(close: () => void): this {
    this.#close = close;
    return this;
  }

  /** Makes the share large enough for frames of so many bytes. Throws STREAMS_EXHAUSTED. */
  fit(frameBytes: number): void {
    const more = FRAMES * frameBytes - this.#bytes;
    if (more <= 0) return;
    this.#reserve(more);
    this.#bytes += more;
  }

  [Symbol.dispose](): void {
    this.#reserve(-this.#bytes);
    this.#bytes = 0;
    this.#close();
  }
}

function exhausted(streams: number, maximum: number): ServiceError {
  return new ServiceError(
    "STREAMS_EXHAUSTED",
    `${streams} open streams use the memory for frames (stream_memory_mib, ${maximum}); try again soon, or raise it.`,
    { limit: "stream_memory_mib", maximum: String(maximum), streams: String(streams) },
    { retryAfterSeconds: 1 },
  );
}
