import { createClient, Status } from "nice-grpc";
import { HealthDefinition } from "nice-grpc-server-health";
import { describe, expect, test } from "vitest";
import { ExportServiceDefinition } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { failure } from "../../test/support/failure.ts";
import { startKitServer } from "../../test/support/kit-server.ts";
import { StoreError } from "../store/store.ts";
import { ServiceError } from "./errors.ts";
import { limits } from "./limits.ts";

const endless = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
/** Of `grpc.health.v1.HealthCheckResponse.ServingStatus`. */
const SERVING = 1;
const NOT_SERVING = 2;

describe("drain", () => {
  test("20 open streams end in-band with OK; then the server is closed", async () => {
    await using server = await startKitServer({
      async *streamSamples(_request, { drain }) {
        yield checkpoint(1n);
        await event(drain);
        yield checkpoint(2n);
      },
    });
    const client = server.client(ExportServiceDefinition);
    const streams = Array.from({ length: 20 }, () => client.streamSamples({})[Symbol.asyncIterator]());
    await Promise.all(streams.map((stream) => stream.next()));
    const closed = server.service.close();
    const ends = await Promise.all(streams.map(async (stream) => [await stream.next(), await stream.next()]));
    for (const [last, end] of ends) {
      expect(last?.value?.frame?.value).toMatchObject({ nextIndex: 2n });
      expect(end?.done).toBe(true);
    }
    await closed;
    expect(await failure(client.getDataset({}))).toMatchObject({ code: Status.UNAVAILABLE });
  });

  test("health says NOT_SERVING and new calls of an open connection get DRAINING while a stream ends", async () => {
    const release = Promise.withResolvers<void>();
    await using server = await startKitServer({
      async *streamSamples(_request, { drain }) {
        yield checkpoint(1n);
        await event(drain);
        await release.promise;
      },
    });
    const health = createClient(HealthDefinition, server.channel);
    expect(await health.check({ service: "" })).toMatchObject({ status: SERVING });
    const watch = health.watch({ service: "loraloop.export.v1.ExportService" })[Symbol.asyncIterator]();
    expect((await watch.next()).value?.status).toBe(SERVING);
    const stream = server.client(ExportServiceDefinition).streamSamples({})[Symbol.asyncIterator]();
    await stream.next();
    const closed = server.service.close();
    expect((await watch.next()).value?.status).toBe(NOT_SERVING);
    expect((await watch.next()).done).toBe(true);
    release.resolve();
    expect((await stream.next()).done).toBe(true);
    await closed;
    await server.service.close();
  });

  test("what does not end by the deadline is cancelled", async () => {
    const handlerEnded = Promise.withResolvers<void>();
    await using server = await startKitServer(
      {
        async *watchSnapshot(_request, { signal }) {
          yield {};
          await event(signal);
          handlerEnded.resolve();
        },
      },
      { drain_seconds: 0.1 },
    );
    const stream = server.client(ExportServiceDefinition).watchSnapshot({})[Symbol.asyncIterator]();
    await stream.next();
    await server.service.close();
    await handlerEnded.promise;
    await expect(stream.next()).rejects.toThrow();
  });
});

describe("limits of a message", () => {
  test("what comes in: N passes, N + 1 is RESOURCE_EXHAUSTED", async () => {
    await using server = await startKitServer({ validateSample: async () => ({ valid: true }) });
    const client = server.client(ExportServiceDefinition, undefined, endless);
    // Tag and length of a field of this size take five bytes.
    const sample = (bytes: number) => ({ sampleJson: "x".repeat(bytes - 5) });
    expect(await client.validateSample(sample(limits.message_bytes))).toEqual({ valid: true, problems: [] });
    expect(await failure(client.validateSample(sample(limits.message_bytes + 1)))).toMatchObject({
      code: Status.RESOURCE_EXHAUSTED,
      message: expect.stringContaining(String(limits.message_bytes)),
    });
  });

  test("what goes out: N passes, N + 1 is RESOURCE_EXHAUSTED", async () => {
    let bytes: number = limits.message_bytes;
    // Two tags and lengths of five bytes each.
    const problem = () => ({ problems: [{ problem: "x".repeat(bytes - 10) }] });
    await using server = await startKitServer({ validateSample: async () => problem() });
    const client = server.client(ExportServiceDefinition, undefined, endless);
    expect((await client.validateSample({})).problems).toHaveLength(1);
    bytes += 1;
    expect(await failure(client.validateSample({}))).toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
  });
});

test("a connection has at most connection_streams open calls; one more waits in the client", async () => {
  let open = 0;
  await using server = await startKitServer({
    async *streamSamples(_request, { signal }) {
      open += 1;
      yield checkpoint(1n);
      await event(signal);
    },
  });
  const end = new AbortController();
  const client = server.client(ExportServiceDefinition);
  const start = () => client.streamSamples({}, { signal: end.signal })[Symbol.asyncIterator]();
  const streams = Array.from({ length: limits.connection_streams }, start);
  await Promise.all(streams.map((stream) => stream.next()));
  const waiting = start().next();
  await failure(server.client(ExportServiceDefinition, undefined, endless).getDataset({}));
  expect(open).toBe(limits.connection_streams);
  end.abort();
  await expect(waiting).rejects.toThrow();
  expect(open).toBe(limits.connection_streams);
});

describe("errors on the wire", () => {
  const thrown = (error: unknown) => startKitServer({ getDataset: () => Promise.reject(error) });

  test("a service error brings reason, metadata and retry time", async () => {
    await using server = await thrown(
      new ServiceError(
        "STREAMS_EXHAUSTED",
        "Too many.",
        { limit: "x", maximum: "1", streams: "2" },
        { retryAfterSeconds: 2.5 },
      ),
    );
    expect(await failure(server.client(ExportServiceDefinition).getDataset({}))).toEqual({
      code: Status.RESOURCE_EXHAUSTED,
      message: "Too many.",
      reason: "STREAMS_EXHAUSTED",
      domain: "loraloop.dev",
      metadata: { limit: "x", maximum: "1", streams: "2" },
      fields: [],
      retryAfterSeconds: 2.5,
    });
  });

  test("anything else is INTERNAL and tells nothing but the request id", async () => {
    await using server = await thrown(new Error("password=secret at /var/lib"));
    const { code, message, metadata } = await failure(server.client(ExportServiceDefinition).getDataset({}));
    expect(code).toBe(Status.INTERNAL);
    expect(message).not.toMatch(/password|var/);
    expect(message).toContain(metadata["request_id"]);
  });

  test.each(["unary", "stream"])("a lone surrogate in the error of a %s call harms nobody", async (kind) => {
    const error = new ServiceError("DATASET_NOT_FOUND", "No \ud800 here", { dataset: "\udfff" });
    await using server = await startKitServer({
      getDataset: () => Promise.reject(error),
      async *watchSnapshot() {
        yield {};
        throw error;
      },
    });
    const client = server.client(ExportServiceDefinition);
    const call = kind === "unary" ? client.getDataset({}) : client.watchSnapshot({});
    expect(await failure(call)).toMatchObject({ message: "No \ufffd here", metadata: { dataset: "\ufffd" } });
    expect(await failure(client.getDataset({}))).toMatchObject({ reason: "DATASET_NOT_FOUND" });
  });

  test("errors with much text still fit into the trailers", async () => {
    const metadata = { dataset: "ß".repeat(5_000), version: "€".repeat(5_000) };
    await using server = await thrown(new ServiceError("DATASET_NOT_FOUND", "€".repeat(5_000), metadata));
    expect(await failure(server.client(ExportServiceDefinition).getDataset({}))).toMatchObject({
      reason: "DATASET_NOT_FOUND",
    });
  });
});

test("health is NOT_SERVING from a store's failure until the store takes a commit again", async () => {
  await using server = await startKitServer({
    async putDataset() {
      throw new StoreError("UNAVAILABLE", "The disk is full.");
    },
  });
  expect(await failure(server.client(ExportServiceDefinition).putDataset({}))).toMatchObject({
    code: Status.UNAVAILABLE,
    reason: "STORE_UNAVAILABLE",
    retryAfterSeconds: 1,
  });
});

function checkpoint(nextIndex: bigint) {
  return { frame: { $case: "checkpoint" as const, value: { nextIndex } } };
}

function event(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
