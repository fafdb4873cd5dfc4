import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Server, ServerCredentials, type ServerWritableStream } from "@grpc/grpc-js";

/** Raw grpc-js: sends the messages of a file from memory, as fast as flow control lets it. `frames.ts FILE`; prints its address. */

const frames = readFrames(process.argv[2] ?? "");
const identity = (bytes: Buffer): Buffer => bytes;
const server = new Server();
server.addService(
  {
    streamSamples: {
      path: "/loraloop.export.v1.ExportService/StreamSamples",
      requestStream: false,
      responseStream: true,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    },
  },
  { streamSamples: (call: ServerWritableStream<Buffer, Buffer>) => void send(call) },
);
const port = await new Promise<number>((resolve, reject) => {
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  );
});
process.stdout.write(`${JSON.stringify({ address: `127.0.0.1:${port}` })}\n`);

async function send(call: ServerWritableStream<Buffer, Buffer>): Promise<void> {
  for (const frame of frames) {
    if (!call.write(frame)) await once(call, "drain");
  }
  call.end();
}

/** Each message after its length in four bytes. */
function readFrames(file: string): readonly Buffer[] {
  const bytes = readFileSync(file);
  const found: Buffer[] = [];
  for (let place = 0; place < bytes.length; ) {
    const end = place + 4 + bytes.readUInt32BE(place);
    found.push(bytes.subarray(place + 4, end));
    place = end;
  }
  return found;
}
