import { connect, createServer, type Server, type Socket } from "node:net";
import { createChannel, createClientFactory, Metadata } from "nice-grpc";
import { expect, test } from "vitest";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import {
  ExportServiceDefinition,
  type StreamSamplesResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { failure } from "../../../test/support/failure.ts";
import { specSource, streamedOf } from "../../../test/support/samples.ts";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";
import { limits } from "../../kit/limits.ts";

const source = specSource({ collection: "docs", format: "text" });

async function fill(server: TestServer, count: number, bytes: number): Promise<void> {
  const corpus = server.client(CorpusServiceDefinition);
  const text = "lorem ipsum ".repeat(Math.ceil(bytes / 12)).slice(0, bytes);
  for (let start = 0; start < count; start += 100) {
    await corpus.upsertRecords({
      collection: "docs",
      records: Array.from({ length: Math.min(100, count - start) }, (_, n) => ({
        id: `r${String(start + n).padStart(6, "0")}`,
        fieldsJson: JSON.stringify({ text: `${start + n} ${text}` }),
      })),
    });
  }
}

async function framesOf(frames: AsyncIterable<StreamSamplesResponse>): Promise<StreamSamplesResponse[]> {
  const all: StreamSamplesResponse[] = [];
  for await (const frame of frames) all.push(frame);
  return all;
}

test("streams the same frames to every client, and drains with an index to go on from", async () => {
  await using server = await startTestServer({ configuration: { drain_seconds: 5 } });
  await fill(server, 600, 2000);
  const client = server.client(ExportServiceDefinition);
  const [one, two] = await Promise.all([
    framesOf(client.streamSamples({ source })),
    framesOf(client.streamSamples({ source, batchSize: 10 })),
  ]);
  expect(streamedOf(one).lines).toHaveLength(600);
  expect(streamedOf(two).lines).toEqual(streamedOf(one).lines);
  expect(streamedOf(two).footer?.snapshotDigest).toEqual(streamedOf(one).footer?.snapshotDigest);

  const draining = client.streamSamples({ source, batchSize: 1 })[Symbol.asyncIterator]();
  const frames = [(await draining.next()).value as StreamSamplesResponse];
  const closed = server.service.close();
  for (let frame = await draining.next(); frame.done !== true; frame = await draining.next()) frames.push(frame.value);
  await closed;
  const cut = streamedOf(frames);
  expect(cut.footer?.reason).toBe(2);
  expect(cut.footer?.nextIndex).toBe(BigInt(cut.lines.length));
  expect(cut.lines).toEqual(streamedOf(one).lines.slice(0, cut.lines.length));
});

test("says what is wrong with a request", async () => {
  await using server = await startTestServer();
  const client = server.client(ExportServiceDefinition);
  expect(await failure(client.streamSamples({}))).toMatchObject({ reason: "FIELD_INVALID", fields: ["source"] });
  expect(await failure(client.streamSamples({ source }))).toMatchObject({ reason: "COLLECTION_NOT_FOUND" });
  expect(await failure(client.buildSnapshot({}))).toMatchObject({ reason: "FIELD_INVALID", fields: ["source"] });
  expect(await failure(client.buildSnapshot({ source, ttlSeconds: 0 }))).toMatchObject({ fields: ["ttl_seconds"] });
});

test("a reader that goes away leaves nothing behind", async () => {
  await using server = await startTestServer();
  await fill(server, 500, 4000);
  const client = server.client(ExportServiceDefinition);
  const snapshot = streamedOf(await framesOf(client.streamSamples({ source }))).header.snapshot;
  for (let round = 0; round < 20; round += 1) {
    for await (const { frame } of client.streamSamples({ source, batchSize: 3 })) if (frame?.$case === "batch") break;
  }
  await expect
    .poll(() =>
      client.deleteSnapshot({ snapshot }).then(
        () => "deleted",
        (error) => error.details,
      ),
    )
    .toBe("deleted");
});

test("a streamed snapshot lives for stream_snapshot_ttl_seconds", async () => {
  await using server = await startTestServer();
  await fill(server, 5, 20);
  const client = server.client(ExportServiceDefinition);
  const { header } = streamedOf(await framesOf(client.streamSamples({ source })));
  const { snapshot } = await client.getSnapshot({ snapshot: header.snapshot });
  const life = Number((snapshot?.expireTime?.seconds ?? 0n) - (snapshot?.createTime?.seconds ?? 0n));
  expect(life).toBeGreaterThanOrEqual(limits.stream_snapshot_ttl_seconds);
  expect(life).toBeLessThan(limits.stream_snapshot_ttl_seconds + 60);
});

test("a snapshot can be deleted again, but not one that never was", async () => {
  await using server = await startTestServer();
  await fill(server, 5, 20);
  const client = server.client(ExportServiceDefinition);
  const snapshot = (await client.buildSnapshot({ source })).snapshot?.key ?? "";
  for (let time = 0; time < 2; time += 1) expect(await client.deleteSnapshot({ snapshot })).toEqual({});
  for (const other of [snapshot.slice(0, 12), "00".repeat(32)]) {
    expect(await failure(client.deleteSnapshot({ snapshot: other }))).toMatchObject({
      reason: "SNAPSHOT_NOT_FOUND",
      metadata: { snapshot: other },
    });
  }
});

test("stalled readers hold neither the build nor others, nor memory", async () => {
  await using server = await startTestServer();
  await fill(server, 2000, 8000);
  await using relay = await startRelay(server.address);
  const channel = createChannel(relay.address);
  const slow = createClientFactory().create(ExportServiceDefinition, channel, {
    "*": { metadata: Metadata({ authorization: `Bearer ${server.token}` }) },
  });
  const stalled = Array.from({ length: 20 }, () => slow.streamSamples({ source })[Symbol.asyncIterator]());
  await Promise.all(stalled.map((frames) => frames.next()));
  relay.pause();

  const client = server.client(ExportServiceDefinition);
  const whole = streamedOf(await framesOf(client.streamSamples({ source })));
  expect(whole.footer?.reason).toBe(1);
  expect(whole.lines).toHaveLength(2000);

  relay.resume();
  const first = stalled[0] as AsyncIterator<StreamSamplesResponse>;
  const lines: number[] = [];
  for (let frame = await first.next(); frame.done !== true; frame = await first.next()) {
    if (frame.value.frame?.$case === "batch") lines.push(frame.value.frame.value.ids.length);
  }
  expect(lines.reduce((sum, count) => sum + count, 0)).toBe(2000);
  await Promise.all(stalled.slice(1).map((frames) => frames.return?.()));
  channel.close();
});

interface Relay extends AsyncDisposable {
  readonly address: string;
  /** Takes nothing more from the server. */
  pause(): void;
  resume(): void;
}

/** A TCP relay that can stop reading. */
async function startRelay(target: string): Promise<Relay> {
  const [host, port] = target.split(":") as [string, string];
  const upstreams: Socket[] = [];
  const server: Server = createServer((socket) => {
    const upstream = connect(Number(port), host);
    upstreams.push(upstream);
    socket.pipe(upstream).pipe(socket);
    for (const end of [socket, upstream]) end.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP address");
  return {
    address: `127.0.0.1:${address.port}`,
    pause() {
      for (const upstream of upstreams) upstream.pause();
    },
    resume() {
      for (const upstream of upstreams) upstream.resume();
    },
    async [Symbol.asyncDispose]() {
      for (const upstream of upstreams) upstream.destroy();
      server.close();
    },
  };
}
