import { StreamSamplesResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { FrameBuffer } from "./frame-buffers.ts";

/** One frame of a stream; a batch comes encoded, in borrowed memory. */
export type StreamFrame = StreamSamplesResponse | FrameBuffer;

/** Takes the place of the generated encoder of StreamSamplesResponse. The bytes of a batch are the caller's for this turn of the event loop: grpc-js copies them at once. */
export function encodeFrame(frame: StreamFrame): Uint8Array {
  if (!("release" in frame)) return StreamSamplesResponse.encode(frame).finish();
  process.nextTick(() => frame.release());
  return frame.bytes;
}
