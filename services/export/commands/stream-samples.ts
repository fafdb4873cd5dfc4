import {
  Compression,
  Delivery,
  type Header,
  type ResumePoint,
  SampleSource,
  type Share,
  WeightUse,
} from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { Snapshot_State } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { StoredSnapshot } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { planMessage } from "../plan/plan-message.ts";
import { checkShare, isSnapshotOrder, isWholeShare, normalisePlan, normaliseShare } from "../plan/plan-spec.ts";
import { openPlanUse } from "../plan/plan-use.ts";
import type { OpenPlan, PlanRequest } from "../plan/plans.ts";
import { shareCount } from "../plan/share.ts";
import { MAX_PAGE_BYTES } from "../snapshot/blocks/boundaries.ts";
import { findOrRequestSnapshot } from "../snapshot/request-snapshot.ts";
import { snapshotExpired, snapshotFailed } from "../snapshot/snapshot-errors.ts";
import { SnapshotUse } from "../snapshot/snapshot-use.ts";
import type { SnapshotEntry } from "../snapshot/stored-snapshots.ts";
import type { StreamFrame } from "../stream/encode-frame.ts";
import { plannedStream } from "../stream/planned-stream.ts";
import { readAhead } from "../stream/read-ahead.ts";
import { checkResumePoint, resumeBeyondEnd, resumePointOf } from "../stream/resume-point.ts";
import { SnapshotStream, sampleCountOf } from "../stream/snapshot-stream.ts";
import { SMALL_FRAME_BYTES } from "../stream/stream-memory.ts";

export interface StreamSamples {
  readonly tenant: TenantId;
  readonly request: PlanRequest;
  readonly share: Share | undefined;
  readonly delivery: Delivery;
  readonly compression: Compression;
  readonly resume: ResumePoint | undefined;
  /** Samples in a frame at most. */
  readonly maxSamples: number;
  /** The client's cancel. */
  readonly signal: AbortSignal;
  /** The server is about to stop. */
  readonly drain: AbortSignal;
}

/** Header, batches and checkpoints, footer. Ends when the samples do, or when the server drains; throws ServiceError. */
export function streamSamples(context: ExportContext, command: StreamSamples): AsyncGenerator<StreamFrame> {
  return isPlain(command) ? inSnapshotOrder(context, command) : inPlanOrder(context, command);
}

/** Whether whole pages can be sent as they lie in blocks. */
function isPlain({ request, share, delivery, compression }: StreamSamples): boolean {
  const lines = delivery !== Delivery.DELIVERY_REFERENCES && compression !== Compression.COMPRESSION_ZSTD;
  const whole = isWholeShare(normaliseShare(share)) && request.runEpoch === undefined;
  return lines && whole && isSnapshotOrder(normalisePlan(request.plan));
}

async function* inSnapshotOrder(context: ExportContext, command: StreamSamples): AsyncGenerator<StreamFrame> {
  using room = context.streamMemory.open(MAX_PAGE_BYTES);
  const { key, stored } = await findSnapshot(context, command);
  using use = new SnapshotUse(context, command.tenant, [{ key, stored }]);
  await using reader = context.snapshots.reader(command.tenant, key);
  const nextIndex = Number(command.resume?.nextIndex ?? 0n);
  const resume = resumePointOf(context.store, command.request, { hash: stored.plan, epoch: 0 }, nextIndex);
  yield { frame: { $case: "header", value: headerOf(stored, resume) } };
  const stream = new SnapshotStream(context, command, { key, use, reader, room }, nextIndex);
  yield* readAhead(stream.frames());
}

async function* inPlanOrder(context: ExportContext, command: StreamSamples): AsyncGenerator<StreamFrame> {
  using room = context.streamMemory.open(SMALL_FRAME_BYTES);
  const { tenant, resume } = command;
  const plan = await findPlan(context, command);
  using use = await openPlanUse(context, tenant, plan);
  const share = normaliseShare(command.share);
  const { sampleCount, batchSize } = plan.order;
  checkShare(share, batchSize, sampleCount);
  const nextIndex = Number(resume?.nextIndex ?? 0n);
  if (nextIndex > sampleCount) throw resumeBeyondEnd(nextIndex, sampleCount);
  const header = plannedHeader(context, command, plan, nextIndex);
  yield {
    frame: {
      $case: "header",
      value: { ...header, shareSampleCount: BigInt(shareCount(share, batchSize, sampleCount)) },
    },
  };
  const stream = plannedStream({
    ...command,
    plan,
    share,
    nextIndex,
    room,
    weighted: header.weighted,
    snapshots: context.snapshots,
    references: command.delivery === Delivery.DELIVERY_REFERENCES,
    compressed: command.compression === Compression.COMPRESSION_ZSTD,
    frameBytes: () => context.streamMemory.frameBytes,
    onFrame: (samples) => {
      use.renew();
      context.samplesSent.add(samples);
    },
  });
  yield* readAhead(stream);
}

/** What a resume point names; else the request's. */
async function findPlan(
  context: ExportContext,
  { tenant, request, resume, signal, drain }: StreamSamples,
): Promise<OpenPlan> {
  if (resume === undefined) return context.plans.resolve(tenant, request, AbortSignal.any([signal, drain]));
  const { hash } = await checkResumePoint(context.store, tenant, request, resume);
  return context.plans.open(tenant, hash);
}

function plannedHeader(context: ExportContext, { request }: StreamSamples, plan: OpenPlan, nextIndex: number): Header {
  const [first] = plan.sources;
  const at = { hash: plan.hash, epoch: plan.spec.epoch };
  const header = headerOf(
    first?.stored ?? { snapshot: undefined },
    resumePointOf(context.store, request, at, nextIndex),
  );
  const carried = plan.spec.weightUse !== WeightUse.WEIGHT_USE_SAMPLING;
  const weighted = carried && plan.sources.some(({ stored }) => stored.snapshot?.spec?.weighting !== undefined);
  return { ...header, sampleCount: BigInt(plan.order.sampleCount), weighted, plan: planMessage(plan) };
}

/** What a resume point names; else the snapshot asked for, or the dataset's, which is made when missing. */
async function findSnapshot(context: ExportContext, command: StreamSamples): Promise<SnapshotEntry> {
  const { tenant, request, resume } = command;
  const source = request.source ?? SampleSource.fromPartial({});
  if (resume === undefined) return checkState(await findOrRequestSnapshot(context, tenant, source));
  const { snapshotKey: key } = await checkResumePoint(context.store, tenant, request, resume);
  const stored = await context.snapshots.get(tenant, key);
  if (stored === undefined) throw snapshotExpired(key);
  const sampleCount = sampleCountOf(stored);
  if (sampleCount !== undefined && resume.nextIndex > sampleCount)
    throw resumeBeyondEnd(Number(resume.nextIndex), sampleCount);
  return checkState({ key, stored });
}

function checkState(entry: SnapshotEntry): SnapshotEntry {
  if (entry.stored.snapshot?.state === Snapshot_State.STATE_FAILED) throw snapshotFailed(entry.key, entry.stored);
  return entry;
}

function headerOf(stored: Pick<StoredSnapshot, "snapshot">, resume: ResumePoint): Header {
  const { snapshot } = stored;
  const sampleCount = sampleCountOf(stored);
  return {
    resume,
    snapshot: snapshot?.key ?? "",
    sampleCount: sampleCount === undefined ? undefined : BigInt(sampleCount),
    weighted: snapshot?.spec?.weighting !== undefined,
    jsonSchema: snapshot?.spec?.schemaValidation?.jsonSchema ?? "",
    format: snapshot?.spec?.format ?? "",
    revision: snapshot?.revision ?? 0n,
    asOf: snapshot?.asOf,
    plan: undefined,
    shareSampleCount: 0n,
  };
}
