import { StreamSamplesResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { encoded } from "../../kit/encoded.ts";

/** One frame of a stream; a batch comes encoded, in memory of its own. */
export type StreamFrame = StreamSamplesResponse | Buffer<ArrayBuffer>;

/**
 * Takes the place of the generated encoder of StreamSamplesResponse. The bytes of a batch are the caller's for this turn of the event loop: grpc-js copies them
 * at once. Their memory is free again after it, for the next frame, long before garbage is collected.
 */
export function encodeFrame(frame: StreamFrame): Uint8Array {
  if (!(frame instanceof Uint8Array)) return encoded(StreamSamplesResponse, frame);
  process.nextTick(() => frame.buffer.transfer(0));
  return frame;
}
