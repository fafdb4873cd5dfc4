import { appendFileSync } from "node:fs";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { StreamSamplesResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";

/**
 * A raw grpc-js client of StreamSamples that drops the frames: `drop.ts ADDRESS TOKEN REPEAT REQUEST [FILE]`, REQUEST in base64.
 * Prints, for each call, milliseconds and bytes from call to end, and how many samples the footer counts. FILE records the frames.
 */

export interface Drop {
  readonly millis: number;
  readonly bytes: number;
  readonly sampleCount: number;
}

const [address = "", token = "", repeat = "1", request = "", file] = process.argv.slice(2);
const identity = (bytes: Buffer): Buffer => bytes;
const client = new Client(address, credentials.createInsecure(), {
  "grpc-node.flow_control_window": 4 * 1024 * 1024,
  "grpc.max_receive_message_length": 16 * 1024 * 1024,
});
await new Promise<void>((resolve, reject) => {
  client.waitForReady(Date.now() + 10_000, (error) => (error ? reject(error) : resolve()));
});
const drops: Drop[] = [];
for (let call = 0; call < Number(repeat); call += 1) drops.push(await drop());
process.stdout.write(`${JSON.stringify({ drops })}\n`);
client.close();

async function drop(): Promise<Drop> {
  const start = performance.now();
  const path = "/loraloop.export.v1.ExportService/StreamSamples";
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  const call = client.makeServerStreamRequest(path, identity, identity, Buffer.from(request, "base64"), metadata);
  let bytes = 0;
  let last: Buffer = Buffer.alloc(0);
  call.on("data", (frame: Buffer) => {
    bytes += frame.length;
    last = frame;
    if (file !== undefined) record(file, frame);
  });
  await new Promise<void>((resolve, reject) => {
    call.once("error", reject);
    call.once("end", resolve);
  });
  const millis = performance.now() - start;
  const { frame } = StreamSamplesResponse.decode(last);
  if (frame?.$case !== "footer") throw new Error("The stream was cut off.");
  return { millis, bytes, sampleCount: Number(frame.value.sampleCount) };
}

/** As peers/frames.ts reads them. */
function record(file: string, frame: Buffer): void {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  appendFileSync(file, Buffer.concat([length, frame]));
}
