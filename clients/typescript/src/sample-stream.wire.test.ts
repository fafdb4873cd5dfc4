import { createHash } from "node:crypto";
import { ServerError, Status } from "nice-grpc";
import { RetryInfo, RichServerError } from "nice-grpc-error-details";
import { afterEach, expect, test } from "vitest";
import {
  type Batch,
  type DeepPartial,
  Footer_Reason,
  type StreamSamplesRequest,
  type StreamSamplesResponse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { type KitServer, startKitServer } from "../../../test/support/kit-server.ts";
import { Client, type Sample } from "./index.ts";

/** A server that answers one call after the other as it is told: what a real one does only when it is broken, or stops. */
type Frame = NonNullable<DeepPartial<StreamSamplesResponse>["frame"]>;
type Answer = (request: StreamSamplesRequest) => Iterable<Frame>;

let server: KitServer;
afterEach(() => server[Symbol.asyncDispose]());

async function read(...answers: Answer[]): Promise<{ samples: Sample[]; requests: StreamSamplesRequest[] }> {
  const requests: StreamSamplesRequest[] = [];
  server = await startKitServer({
    async *streamSamples(request) {
      requests.push(request);
      for (const frame of (answers[requests.length - 1] as Answer)(request)) yield { frame };
    },
  });
  const { secret } = await server.makeToken();
  await using client = new Client({ address: server.service.address, token: secret });
  const samples = await Array.fromAsync(client.stream("faq", { reconnectSeconds: 5 }));
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
