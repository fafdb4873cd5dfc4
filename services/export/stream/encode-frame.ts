import { StreamSamplesResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";

/** One frame of a stream; a batch comes encoded. */
export type StreamFrame = StreamSamplesResponse | Uint8Array;

/** Takes the place of the generated encoder of StreamSamplesResponse. */
export function encodeFrame(frame: StreamFrame): Uint8Array {
  return frame instanceof Uint8Array ? frame : StreamSamplesResponse.encode(frame).finish();
}
