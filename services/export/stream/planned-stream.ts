import { createHash } from "node:crypto";
import {
  type Footer,
  Footer_Reason,
  type ReferenceBatch,
  type Share,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { ShareRuns } from "../plan/share.ts";
import type { StreamFrame } from "./encode-frame.ts";
import { PlannedFrames, type PlannedFramesOptions } from "./planned-frames.ts";
import { PlannedSamples, type PlannedSpan } from "./planned-samples.ts";
import type { StreamRoom } from "./stream-memory.ts";

export interface PlannedStreamOptions extends PlannedFramesOptions {
  readonly share: Share;
  readonly nextIndex: number;
  /** Where lines are instead of lines. */
  readonly references: boolean;
  readonly compressed: boolean;
  readonly maxSamples: number;
  readonly frameBytes: () => number;
  readonly room: StreamRoom;
  readonly signal: AbortSignal;
  readonly drain: AbortSignal;
  /** Hears how many samples each frame has; what it throws ends the stream. */
  readonly onFrame: (samples: number) => void;
}

/** References in one frame: about 80 kB. */
const REFERENCES = 1024;
/** Lines in one frame, however short: their ids and weights have room in a message of 4 MiB, and finding them takes milliseconds. */
const LINES = 4096;

/** The frames of a share of a plan after the header: batches or references, then the footer. */
export async function* plannedStream(options: PlannedStreamOptions): AsyncGenerator<StreamFrame> {
  const { plan, share, signal, drain, frameBytes } = options;
  const { batchSize, sampleCount } = plan.order;
  const frames = new PlannedFrames(options);
  const samples = new PlannedSamples(plan, new ShareRuns(share, batchSize, sampleCount, options.nextIndex));
  const segments = createHash("sha256");
  let [sent, nextIndex] = [0, options.nextIndex];
  const footer = (reason: Footer_Reason, next: number): StreamFrame => ({
    frame: { $case: "footer", value: footerOf(options, reason, next, sent, segments.digest()) },
  });
  const maxBytes = (): number => (options.references ? Number.POSITIVE_INFINITY : frameBytes());
  const maxSamples = Math.min(options.maxSamples, options.references ? REFERENCES : LINES);
  for (
    let span = samples.next(maxBytes(), maxSamples);
    span !== undefined;
    span = samples.next(maxBytes(), maxSamples)
  ) {
    signal.throwIfAborted();
    if (drain.aborted) return yield footer(Footer_Reason.REASON_DRAIN, nextIndex);
    sent += span.places.length;
    const last = span.runs.at(-1) ?? { first: 0, count: 0 };
    nextIndex = last.first + last.count;
    options.onFrame(span.places.length);
    yield await frameOf(options, frames, span, segments);
    // Frames are made without waiting for anything: others must have their turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  yield footer(Footer_Reason.REASON_END, sampleCount);
}

async function frameOf(
  { references, compressed, room }: PlannedStreamOptions,
  frames: PlannedFrames,
  span: PlannedSpan,
  segments: ReturnType<typeof createHash>,
): Promise<StreamFrame> {
  if (references) return referenceFrame(frames.references(span));
  const { bytes, digest } = compressed ? await frames.compressedLines(span) : frames.lines(span);
  room.fit(bytes.length);
  segments.update(digest);
  return bytes;
}

function referenceFrame(value: ReferenceBatch): StreamFrame {
  return { frame: { $case: "references", value } };
}

function footerOf(
  { plan }: PlannedStreamOptions,
  reason: Footer_Reason,
  nextIndex: number,
  sent: number,
  linesDigest: Uint8Array,
): Footer {
  const lone = plan.sources.length === 1 ? plan.sources[0]?.stored.snapshot : undefined;
  return {
    reason,
    nextIndex: BigInt(nextIndex),
    sampleCount: BigInt(sent),
    linesDigest,
    snapshotDigest: reason === Footer_Reason.REASON_END ? (lone?.digest ?? new Uint8Array()) : new Uint8Array(),
    statistics: reason === Footer_Reason.REASON_END ? lone?.statistics : undefined,
  };
}
