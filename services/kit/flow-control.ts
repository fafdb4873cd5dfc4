import { getDefaultHighWaterMark, setDefaultHighWaterMark } from "node:stream";
import { ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";

/** Messages of a call that may wait, each way: for HTTP/2 to take them, or for the handler to read them. */
const waitingMessages = 2;

/**
 * Holds a stream's generator to two frames that the network has not taken, and reads no more than two requests ahead.
 *
 * grpc-js queues 16 messages whatever their size, and its streams take that number from Node's default at the moment
 * they are made, which is inside `onReceiveMetadata` (client streams) or `onReceiveHalfClose` (server streams).
 * nice-grpc obeys the queue: it resumes the generator at `drain`, and ends it at a cancel, after which `drain` never comes.
 */
export const flowControl: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, pass) => withShortQueues(() => pass(metadata)),
        onReceiveHalfClose: (pass) => withShortQueues(pass),
      }),
  });

function withShortQueues(action: () => void): void {
  const usual = getDefaultHighWaterMark(true);
  setDefaultHighWaterMark(true, waitingMessages);
  try {
    action();
  } finally {
    setDefaultHighWaterMark(true, usual);
  }
}
