import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";

/** A gRPC call at the level of HTTP/2, for what a gRPC client would never send. */
export interface RawCall {
  readonly stream: ClientHttp2Stream;
  /** Status and message of the trailers. */
  ended(): Promise<{ readonly code: number; readonly message: string }>;
}

export interface RawConnection extends Disposable {
  readonly session: ClientHttp2Session;
  call(path: string, headers?: Readonly<Record<string, string>>): RawCall;
}

export function openRawConnection(address: string): RawConnection {
  const session = connect(`http://${address}`);
  return {
    session,
    call: (path, headers = {}) => startCall(session, path, headers),
    [Symbol.dispose]: () => session.destroy(),
  };
}

/** Flag, length, message. */
export function rawFrame(message: Uint8Array, flag = 0, length: number = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

function startCall(session: ClientHttp2Session, path: string, headers: Readonly<Record<string, string>>): RawCall {
  const fixed = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
  const stream = session.request({ ...fixed, ...headers });
  let last: IncomingHttpHeaders = {};
  stream.on("response", (received) => {
    last = received;
  });
  stream.on("trailers", (received) => {
    last = received;
  });
  return {
    stream,
    async ended() {
      stream.resume();
      if (!stream.closed) await once(stream, "close");
      return { code: Number(last["grpc-status"]), message: decodeURI(String(last["grpc-message"] ?? "")) };
    },
  };
}
