import { createHash } from "node:crypto";
import type { DatasetSpec } from "../../proto/gen/loraloop/export/v1/dataset.ts";
import {
  type Batch,
  type Checkpoint,
  Compression,
  type DeepPartial,
  Delivery,
  type Footer,
  type Header,
  type PlanSpec,
  SampleSource,
  type Share,
  StreamSamplesResponse,
} from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { streamSamples } from "../../services/export/commands/stream-samples.ts";
import { upsertRecords } from "../../services/export/commands/upsert-records.ts";
import type { ExportContext } from "../../services/export/context.ts";
import { encodeFrame } from "../../services/export/stream/encode-frame.ts";

export interface TestRecord {
  readonly id: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Nobody's where absent. */
  readonly subject?: string;
}

/** Writes records as UpsertRecords does. */
export async function upsert(
  context: ExportContext,
  tenant: number,
  collection: string,
  records: readonly TestRecord[],
): Promise<void> {
  for (let start = 0; start < records.length; start += 200) {
    const checked = records.slice(start, start + 200).map(({ id, fields, subject = "" }) => ({
      id,
      fields: Buffer.from(JSON.stringify(fields)),
      source: "",
      qualityScore: undefined,
      subject,
      group: "",
    }));
    await upsertRecords(context, tenant, collection, checked);
  }
}

/** Everything that a stream sent. */
export interface Streamed {
  readonly header: Header;
  readonly batches: readonly Batch[];
  readonly checkpoints: readonly Checkpoint[];
  /** Undefined where the stream was cut off. */
  readonly footer: Footer | undefined;
  readonly lines: readonly string[];
  readonly ids: readonly string[];
  readonly weights: readonly number[];
}

export interface StreamOptions {
  readonly tenant?: number;
  readonly nextIndex?: number;
  /** A header of an earlier stream, whose resume point is used with `nextIndex`. */
  readonly after?: Header;
  readonly maxSamples?: number;
  readonly plan?: PlanSpec;
  readonly share?: Share;
  readonly delivery?: Delivery;
  readonly compression?: Compression;
  readonly signal?: AbortSignal;
  readonly drain?: AbortSignal;
}

const never = new AbortController().signal;

/** Streams by the command, to its end, and checks the frames' digests and indices. */
export async function stream(
  context: ExportContext,
  source: SampleSource,
  options: StreamOptions = {},
): Promise<Streamed> {
  const frames: StreamSamplesResponse[] = [];
  for await (const frame of openStream(context, source, options)) frames.push(frame);
  return streamedOf(frames);
}

export async function* openStream(
  context: ExportContext,
  source: SampleSource,
  options: StreamOptions = {},
): AsyncGenerator<StreamSamplesResponse> {
  const resume = options.after?.resume && { ...options.after.resume, nextIndex: BigInt(options.nextIndex ?? 0) };
  const frames = streamSamples(context, {
    tenant: options.tenant ?? 1,
    request: { source, plan: options.plan, runEpoch: undefined },
    share: options.share,
    delivery: options.delivery ?? Delivery.DELIVERY_LINES,
    compression: options.compression ?? Compression.COMPRESSION_NONE,
    resume,
    maxSamples: options.maxSamples ?? Number.POSITIVE_INFINITY,
    signal: options.signal ?? never,
    drain: options.drain ?? never,
  });
  for await (const frame of frames) yield StreamSamplesResponse.decode(Uint8Array.from(encodeFrame(frame)));
}

/** Throws where frames do not fit together: order, indices, digests, counts. */
export function streamedOf(frames: readonly StreamSamplesResponse[]): Streamed {
  const [first, ...rest] = frames.map(({ frame }) => frame);
  if (first?.$case !== "header") throw new Error("A stream begins with its header.");
  const last = rest.at(-1);
  const footer = last?.$case === "footer" ? last.value : undefined;
  const batches = rest.flatMap((frame) => (frame?.$case === "batch" ? [frame.value] : []));
  checkIndices(batches, first.value.resume?.nextIndex ?? 0n);
  if (footer !== undefined && !Buffer.from(footer.linesDigest).equals(linesDigest(batches))) {
    throw new Error("The footer's digest is not that of the lines.");
  }
  return {
    header: first.value,
    batches,
    checkpoints: rest.flatMap((frame) => (frame?.$case === "checkpoint" ? [frame.value] : [])),
    footer,
    lines: batches.flatMap(({ lines }) => Buffer.from(lines).toString().split("\n").slice(0, -1)),
    ids: batches.flatMap(({ ids }) => ids),
    weights: batches.flatMap(({ weightsMicros }) => weightsMicros),
  };
}

/** An inline dataset. */
export function specSource(spec: DeepPartial<DatasetSpec>): SampleSource {
  return SampleSource.fromPartial({ source: { $case: "spec", value: spec } });
}

function checkIndices(batches: readonly Batch[], begin: bigint): void {
  let next = begin;
  for (const { ids, indexRuns, lines } of batches) {
    const count = Buffer.from(lines).toString().split("\n").length - 1;
    if (ids.length !== count) throw new Error(`A batch has ${ids.length} ids and ${count} lines.`);
    for (const run of indexRuns) {
      if (run.first !== next) throw new Error(`Index ${run.first} came where ${next} was expected.`);
      next += BigInt(run.count);
    }
  }
}

function linesDigest(batches: readonly Batch[]): Buffer {
  const digest = createHash("sha256");
  for (const { lines, segmentBytes } of batches) {
    let start = 0;
    for (const bytes of segmentBytes) {
      digest.update(
        createHash("sha256")
          .update(lines.subarray(start, start + bytes))
          .digest(),
      );
      start += bytes;
    }
    if (start !== lines.length) throw new Error("The segments of a batch are not its lines.");
  }
  return digest.digest();
}
