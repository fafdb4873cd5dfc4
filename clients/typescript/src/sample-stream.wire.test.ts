import { createHash } from "node:crypto";
import { once } from "node:events";
import { zstdCompressSync } from "node:zlib";
import { ServerError, Status } from "nice-grpc";
import { RetryInfo, RichServerError } from "nice-grpc-error-details";
import { afterEach, expect, test } from "vitest";
import {
  type Batch,
  Compression,
  type DeepPartial,
  Footer_Reason,
  type ReadBlocksResponse,
  type ReferenceBatch,
  type StreamSamplesRequest,
  type StreamSamplesResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { type KitServer, startKitServer } from "../../../test/support/kit-server.ts";
import { BlockCache, Client, type Sample, type StreamOptions } from "./index.ts";

/** A server that answers one call after the other as it is told: what a real one does only when it is broken, or stops. */
type Frame = NonNullable<DeepPartial<StreamSamplesResponse>["frame"]>;
type Answer = (request: StreamSamplesRequest) => Iterable<Frame>;
type Piece = DeepPartial<ReadBlocksResponse>;

let server: KitServer;
afterEach(() => server[Symbol.asyncDispose]());

interface Reading {
  readonly samples: Sample[];
  readonly requests: StreamSamplesRequest[];
}

const read = (...answers: Answer[]): Promise<Reading> => readWith({}, answers);

async function readWith(
  options: StreamOptions,
  answers: readonly Answer[],
  blocks: readonly (readonly Piece[])[] = [],
): Promise<Reading> {
  const requests: StreamSamplesRequest[] = [];
  const left = [...blocks];
  server = await startKitServer({
    async *streamSamples(request) {
      requests.push(request);
      for (const frame of (answers[requests.length - 1] as Answer)(request)) yield { frame };
    },
    async *readBlocks() {
      yield* left.shift() ?? [];
    },
  });
  const { secret } = await server.makeToken();
  await using client = new Client({ address: server.service.address, token: secret });
  const samples = await Array.fromAsync(client.stream("faq", { reconnectSeconds: 5, ...options }));
  return { samples, requests };
}

const point = { format: 1, store: "s", incarnation: "i", requestHash: "r", plan: "p" };

function header(nextIndex: number, plan = "p"): Frame {
  return { $case: "header", value: { resume: { ...point, plan, nextIndex: BigInt(nextIndex) } } };
}

function lineOf(index: number): Buffer {
  return Buffer.from(`{"text":"${index}"}\n`);
}

function batch(first: number, count: number, changes: DeepPartial<Batch> = {}): Frame {
  const indices = Array.from({ length: count }, (_, place) => first + place);
  const lines = Buffer.concat(indices.map(lineOf));
  const value = {
    lines,
    ids: indices.map(String),
    indexRuns: [{ first: BigInt(first), count }],
    segmentBytes: [lines.length],
  };
  return { $case: "batch", value: { ...value, ...changes } };
}

function footer(
  first: number,
  next: number,
  reason: Footer_Reason = Footer_Reason.REASON_END,
  digest?: Uint8Array,
): Frame {
  const lines = Buffer.concat(Array.from({ length: next - first }, (_, place) => lineOf(first + place)));
  const segments = next > first ? createHash("sha256").update(lines).digest() : Buffer.alloc(0);
  const linesDigest = digest ?? createHash("sha256").update(segments).digest();
  return {
    $case: "footer",
    value: { reason, nextIndex: BigInt(next), sampleCount: BigInt(next - first), linesDigest },
  };
}

const texts = (samples: readonly Sample[]): unknown[] => samples.map(({ text }) => text);

test("a drain goes on in another call after what was received", async () => {
  const { samples, requests } = await read(
    () => [header(0), batch(0, 2), footer(0, 2, Footer_Reason.REASON_DRAIN)],
    () => [header(2), batch(2, 1), footer(2, 3)],
  );
  expect(texts(samples)).toEqual(["0", "1", "2"]);
  expect(requests[1]?.resume).toEqual({ ...point, nextIndex: 2n, epoch: 0 });
});

test("a stream that ends without a footer was cut off", async () => {
  const { samples, requests } = await read(
    () => [header(0), batch(0, 2)],
    () => [],
    () => [header(2), footer(2, 2)],
  );
  expect(texts(samples)).toEqual(["0", "1"]);
  expect(requests).toHaveLength(3);
});

test.for([Status.UNAVAILABLE, Status.RESOURCE_EXHAUSTED])(
  "code %i is tried again after the time that was asked for",
  async (code) => {
    const refuse: Answer = () => {
      const retryDelay = { seconds: 0, nanos: 300_000_000 };
      throw new RichServerError(code, "later", [RetryInfo.fromPartial({ retryDelay })]);
    };
    const began = performance.now();
    const { samples } = await read(refuse, () => [header(0), batch(0, 1), footer(0, 1)]);
    expect(texts(samples)).toEqual(["0"]);
    expect(performance.now() - began).toBeGreaterThanOrEqual(300);
  },
);

test("another error is final", async () => {
  const refuse: Answer = () => {
    throw new ServerError(Status.FAILED_PRECONDITION, "no more");
  };
  await expect(read(refuse)).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
    message: "no more",
    retryable: false,
  });
});

test.for<[string, Answer, RegExp]>([
  [
    "another digest",
    () => [header(0), batch(0, 1), footer(0, 1, Footer_Reason.REASON_END, Buffer.alloc(32))],
    /digest/,
  ],
  ["changed lines", () => [header(0), batch(0, 1, { lines: lineOf(7) }), footer(0, 1)], /digest/],
  ["a gap", () => [header(0), batch(1, 1), footer(1, 2)], /Index 1 came where 0 was due/],
  ["a sample too few", () => [header(0), batch(0, 1), footer(0, 2)], /ends at index 2, but 1 is due/],
  ["an id too few", () => [header(0), batch(0, 2, { ids: ["0"] }), footer(0, 2)], /2 samples has 1 ids/],
  ["another beginning", () => [header(5), footer(5, 5)], /begins at index 5, not at 0/],
])("%s is an error", async ([_name, answer, problem]) => {
  await expect(read(answer)).rejects.toMatchObject({
    name: "TruncatedStreamError",
    message: expect.stringMatching(problem),
  });
});

test("a call that goes on in another plan is refused", async () => {
  const answers: Answer[] = [() => [header(0), batch(0, 1)], () => [header(1, "q"), footer(1, 1)]];
  await expect(read(...answers)).rejects.toMatchObject({
    name: "StateError",
    message: expect.stringContaining("plan q"),
  });
});

test.for<[string, DeepPartial<Batch>, RegExp]>([
  ["a frame that is not zstd", { uncompressedBytes: 11 }, /decompressed/],
  ["a frame with more bytes", { lines: zstdCompressSync(lineOf(0)), uncompressedBytes: 5 }, /decompressed/],
  ["a frame with fewer bytes", { lines: zstdCompressSync(lineOf(0)), uncompressedBytes: 20 }, /decompressed: 13 bytes/],
  ["a frame with bytes of no segment", { segmentBytes: [4] }, /segments of a batch cover 4 of 13 bytes/],
])("%s is an error", async ([_name, changes, problem]) => {
  const reading = read(() => [header(0), batch(0, 1, changes), footer(0, 1)]);
  await expect(reading).rejects.toMatchObject({
    name: "TruncatedStreamError",
    message: expect.stringMatching(problem),
  });
});

test("zstd frames are the lines", async () => {
  const lines = Buffer.concat([lineOf(0), lineOf(1)]);
  const packed = batch(0, 2, { lines: zstdCompressSync(lines), uncompressedBytes: lines.length });
  const { samples, requests } = await readWith({ compression: "zstd" }, [() => [header(0), packed, footer(0, 2)]]);
  expect(texts(samples)).toEqual(["0", "1"]);
  expect(requests[0]?.compression).toBe(Compression.COMPRESSION_ZSTD);
});

const plan = { hash: "p", spec: { globalBatchSize: 4 }, sampleCount: 8n };

/** The header of a plan of two global batches of four samples. */
function planHeader(nextIndex: number): Frame {
  return { $case: "header", value: { resume: { ...point, nextIndex: BigInt(nextIndex) }, plan, snapshot: "s" } };
}

test("a worker that goes on stays the worker it was", async () => {
  const share = { rank: 1, worldSize: 2, worker: 1, workerCount: 3 };
  const options = { ...share, plan: { globalBatchSize: 4 } };
  const { samples, requests } = await readWith(options, [
    () => [planHeader(0), batch(6, 1)],
    () => [planHeader(7), batch(7, 1), footer(7, 8)],
  ]);
  expect(texts(samples)).toEqual(["6", "7"]);
  expect(requests.map((request) => request.share)).toEqual([share, { ...share, worker: 0 }]);
});

test.for<[string, Frame[], RegExp]>([
  ["an index of another rank", [batch(0, 1)], /Index 0 came where 2 was due/],
  ["an index left out", [batch(2, 1), batch(6, 1)], /Index 6 came where 3 was due/],
  ["an index too many", [batch(2, 3)], /Index 4 came where 6 was due/],
  ["an early end", [batch(2, 2), footer(2, 8)], /ends at index 8, but 6 is due/],
])("%s of a share is an error", async ([_name, frames, problem]) => {
  const options = { rank: 1, worldSize: 2, plan: { globalBatchSize: 4 } };
  const reading = readWith(options, [() => [planHeader(0), ...frames]]);
  await expect(reading).rejects.toMatchObject({
    name: "TruncatedStreamError",
    message: expect.stringMatching(problem),
  });
});

const block = Buffer.concat([lineOf(0), lineOf(1), lineOf(2)]);
const blockDigest = createHash("sha256").update(block).digest();
const pieces: Piece[] = [
  { offset: 0, bytes: block.subarray(0, 20), blockBytes: block.length },
  { offset: 20, bytes: block.subarray(20), blockBytes: block.length },
];

/** Samples 2 and 0 of the block. */
function references(changes: DeepPartial<ReferenceBatch> = {}): Frame {
  const places = { blocks: [0, 0], offsets: [26, 0], lengths: [13, 13], ids: ["2", "0"] };
  const indexRuns = [{ first: 0n, count: 2 }];
  return { $case: "references", value: { blockDigests: [blockDigest], ...places, indexRuns, ...changes } };
}

function referenceFooter(next: number): Frame {
  return {
    $case: "footer",
    value: { ...(footer(0, 0) as { value: object }).value, nextIndex: BigInt(next), sampleCount: BigInt(next) },
  };
}

test("references are lines of blocks; a block that was cut off is read again", async () => {
  const answer: Answer = () => [planHeader(0), references(), referenceFooter(2)];
  const cache = new BlockCache();
  const { samples } = await readWith({ cache }, [answer], [pieces.slice(0, 1), [], pieces]);
  expect(texts(samples)).toEqual(["2", "0"]);
});

test("a stream that is broken off does not take along another that waits for the same block", async () => {
  const [asked, joined] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let fetches = 0;
  server = await startKitServer({
    async *streamSamples() {
      for (const frame of [planHeader(0), references(), referenceFooter(2)]) yield { frame };
    },
    async *readBlocks(_request, { signal }) {
      fetches += 1;
      asked.resolve();
      if (fetches === 1) await once(signal, "abort");
      else yield* pieces;
    },
  });
  const { secret } = await server.makeToken();
  await using client = new Client({ address: server.service.address, token: secret });
  const cache = new BlockCache();
  const [leaving, staying] = [client.stream("faq", { cache }), client.stream("faq", { cache })];
  const left = Array.fromAsync(leaving).catch((error: Error) => error.name);
  await asked.promise;
  const copy = cache.copy.bind(cache);
  cache.copy = (...given) => {
    setImmediate(joined.resolve);
    return copy(...given);
  };
  const samples = Array.fromAsync(staying);
  await joined.promise;
  leaving.close();
  expect(texts(await samples)).toEqual(["2", "0"]);
  expect({ left: await left, fetches }).toEqual({ left: "AbortError", fetches: 2 });
});

test.for<[string, Frame, Piece[], RegExp]>([
  [
    "a block with other bytes",
    references(),
    [{ offset: 0, bytes: Buffer.alloc(39), blockBytes: 39 }],
    /came with other bytes/,
  ],
  ["a piece out of turn", references(), pieces.toReversed(), /came at 20, not at 0/],
  ["a piece too long", references(), [{ offset: 0, bytes: block, blockBytes: 20 }], /came at 0/],
  ["a line outside of its block", references({ offsets: [30, 0] }), pieces, /ends at 43, but its block has 39/],
  ["a block that is not named", references({ blocks: [0, 1] }), pieces, /block 1, which the batch does not have/],
  ["a reference too few", references({ lengths: [13] }), pieces, /2 samples has 1 references/],
])("%s is an error", async ([_name, frame, answered, problem]) => {
  const answer: Answer = () => [planHeader(0), frame, referenceFooter(2)];
  const reading = readWith({ cache: new BlockCache() }, [answer], [answered]);
  await expect(reading).rejects.toMatchObject({
    name: "TruncatedStreamError",
    message: expect.stringMatching(problem),
  });
});

test("references that nobody asked for are an error", async () => {
  await expect(read(() => [planHeader(0), references()])).rejects.toThrow(/lines were asked for/);
});

test("a footer that counts other samples is an error", async () => {
  const counted = { ...(footer(0, 1) as { value: object }).value, sampleCount: 2n };
  const reading = read(() => [header(0), batch(0, 1), { $case: "footer", value: counted }]);
  await expect(reading).rejects.toThrow("2 samples were sent, 1 came");
});
