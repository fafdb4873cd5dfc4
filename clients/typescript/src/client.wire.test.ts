import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";
import { Client, DatasetSpec, type RecordInput, type Sample, StateError } from "./index.ts";

const count = 300;
const spec = DatasetSpec.fromPartial({ collection: "notes", format: "text", weighting: { autoWeightByLength: true } });
const source = { source: { $case: "spec", value: spec } } as const;

let folder: string;
let server: TestServer;
let client: Client;
let whole: Sample[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loraloop-client-"));
  await start(0);
  client = new Client({ address: server.address, token: server.token });
  await client.ingest("notes", notes(count));
  whole = await Array.fromAsync(client.stream(source));
});

afterAll(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function start(port: number): Promise<void> {
  const configuration = { store: "rocksdb", listen_port: port } as const;
  server = await startTestServer({ dataDirectory: folder, configuration });
}

/** Drains the server and starts it again at the same address. */
async function restart(): Promise<void> {
  const port = Number(server.address.split(":").at(-1));
  await server[Symbol.asyncDispose]();
  await start(port);
}

function* notes(total: number): Generator<RecordInput> {
  for (let number = 0; number < total; number += 1) {
    const id = `note-${String(number).padStart(5, "0")}`;
    yield { id, fieldsJson: JSON.stringify({ text: `Text ${number} `.repeat(number % 50) || "empty" }) };
  }
}

test("samples are the lines parsed", async () => {
  expect(whole).toHaveLength(count);
  const batches = await Array.fromAsync(client.stream(source).batches());
  const lines = Buffer.concat(batches.map((batch) => batch.ndjson()))
    .toString()
    .split("\n")
    .slice(0, -1);
  expect(lines.map((line) => JSON.parse(line))).toEqual(whole);
  expect(batches.flatMap(({ ids }) => ids)).toEqual(Array.from(notes(count), ({ id }) => id));
});

test("two resumes in a row, each in the middle of a frame, by a state that went through JSON", async () => {
  const samples: Sample[] = [];
  let state: string | undefined;
  for (const size of [7, 101, count]) {
    const stream = client.stream(source, { batchSize: 20, ...(state !== undefined && { resume: JSON.parse(state) }) });
    let taken = 0;
    for await (const sample of stream) {
      samples.push(sample);
      taken += 1;
      if (taken === size) break;
    }
    state = JSON.stringify(stream.stateDict());
    expect(JSON.parse(state)).toMatchObject({ format: 1, next_index: samples.length });
  }
  expect(samples).toEqual(whole);
});

test("a state at the end gives nothing more, and the same digest", async () => {
  const first = client.stream(source);
  await Array.fromAsync(first);
  const second = client.stream(source, { resume: first.stateDict() });
  expect(await Array.fromAsync(second)).toEqual([]);
  expect(second.snapshotDigest).toEqual(first.snapshotDigest);
});

test("a stream goes on over a server that drains and starts again", async () => {
  const samples: Sample[] = [];
  const stream = client.stream(source, { batchSize: 10 });
  let restarted: Promise<void> | undefined;
  for await (const sample of stream) {
    samples.push(sample);
    if (samples.length === 30) restarted = restart();
  }
  await restarted;
  expect(samples).toEqual(whole);
});

test("a call waits for a server that starts again", async () => {
  const restarted = restart();
  const { collections } = await client.corpus.listCollections({});
  await restarted;
  expect(collections.map(({ name }) => name)).toEqual(["notes"]);
});

test.for(["break", "close", "throw", "signal"])("leaving the loop by %s ends the call", async (way) => {
  const { key } = await client.buildSnapshot({ ...source, asOf: { seconds: BigInt(way.length), nanos: 0 } });
  const controller = new AbortController();
  const stream = client.stream({ snapshot: key }, { batchSize: 1, signal: controller.signal });
  const leave = async (): Promise<void> => {
    for await (const _sample of stream) {
      if (way === "break") break;
      if (way === "throw") throw new Error("enough");
      if (way === "close") stream.close();
      else controller.abort();
    }
  };
  if (way === "break") await leave();
  else await expect(leave()).rejects.toThrow(way === "throw" ? "enough" : /abort/i);
  // Refused while a stream reads it.
  await expect.poll(() => client.export.deleteSnapshot({ snapshot: key }).catch((error) => error.reason)).toEqual({});
});

test("a stream is iterated once", async () => {
  const stream = client.stream(source);
  await Array.fromAsync(stream);
  await expect(Array.fromAsync(stream)).rejects.toThrow("iterated once");
});

test("there is no state before the first frame, except one that was given", async () => {
  expect(() => client.stream(source).stateDict()).toThrow(StateError);
  const stream = client.stream(source);
  for await (const _sample of stream) break;
  const state = stream.stateDict();
  expect(client.stream(source, { resume: state }).stateDict()).toEqual(state);
});

test("errors say code, reason and values", async () => {
  const failing = Array.fromAsync(client.stream("nothing"));
  await expect(failing).rejects.toMatchObject({
    name: "RpcError",
    code: "NOT_FOUND",
    reason: "DATASET_NOT_FOUND",
    metadata: { dataset: "nothing" },
    retryable: false,
  });
});

test("an ingest over a server that drains and starts again writes everything once", async () => {
  const total = 5000;
  let restarted: Promise<void> | undefined;
  const progress: number[] = [];
  const { keptCount, recordCount } = await client.ingest("many", notes(total), {
    onProgress: ({ recordCount: done }) => {
      progress.push(done);
      restarted ??= restart();
    },
  });
  await restarted;
  expect({ keptCount, recordCount }).toEqual({ keptCount: total, recordCount: total });
  expect(progress).toEqual(Array.from({ length: total / 500 }, (_, chunk) => (chunk + 1) * 500));
});

test("an ingest that was aborted goes on under its id", async () => {
  const controller = new AbortController();
  const options = { ingestId: "one", signal: controller.signal, onProgress: () => controller.abort() };
  await expect(client.ingest("aborted", notes(5000), options)).rejects.toMatchObject({ name: "AbortError" });
  let resumed = 0;
  const result = await client.ingest("aborted", notes(5000), {
    ingestId: "one",
    onProgress: (progress) => {
      if (progress.resumed) resumed = progress.recordCount;
    },
  });
  expect(result.keptCount).toBe(5000);
  expect(resumed).toBeGreaterThanOrEqual(500);
  expect(resumed).toBeLessThan(5000);
});

test("bad records are told by their place, also those that cannot be sent, and the rest goes on", async () => {
  const records = [...notes(501)];
  records[2] = { id: "bad", fieldsJson: "[]" };
  records[499] = { id: "half \ud800", fieldsJson: "{}" };
  records[500] = { id: "large", fieldsJson: JSON.stringify({ text: "x".repeat(16_000_000) }) };
  const errors: string[] = [];
  const result = await client.ingest("bad", records, {
    onProgress: (progress) => errors.push(...progress.errors.map(({ index, id }) => `${index} ${id}`)),
  });
  expect(errors.toSorted()).toEqual(["2 bad", "499 half \ufffd", "500 large"]);
  expect(result).toMatchObject({ recordCount: 501, keptCount: 498 });
});

test("an error of the caller's records ends the ingest", async () => {
  async function* failing(): AsyncGenerator<RecordInput> {
    yield { id: "a", fieldsJson: "{}" };
    throw new Error("The file ended early.");
  }
  await expect(client.ingest("failing", failing())).rejects.toThrow("The file ended early.");
});

test("a server that cannot be reached is told", async () => {
  const { createServer } = await import("node:net");
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  await using lost = new Client({ address: `127.0.0.1:${port}`, token: "any" });
  await expect(lost.connect(1)).rejects.toMatchObject({ name: "ConnectionError" });
  const stream = lost.stream(source, { reconnectSeconds: 0.2 });
  await expect(Array.fromAsync(stream)).rejects.toMatchObject({ name: "ConnectionError" });
});

test("a client's signal ends its calls, beside their own, its streams and its waiting", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  await using ended = new Client({ address: server.address, token: server.token, signal });
  await using nowhere = new Client({ address: "127.0.0.1:1", token: "any", signal });
  const streamed = Array.fromAsync(ended.stream(source), () => controller.abort());
  await expect(nowhere.connect(60)).rejects.toMatchObject({ name: "AbortError" });
  await expect(streamed).rejects.toMatchObject({ name: "AbortError" });
  const own = { signal: new AbortController().signal };
  await expect(ended.corpus.listCollections({}, own)).rejects.toMatchObject({ name: "AbortError" });
  await expect(ended.registry.getAdapter("any")).rejects.toMatchObject({ name: "AbortError" });
});
