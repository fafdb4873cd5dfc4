import { createHash } from "node:crypto";
import { type Footer, Footer_Reason } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { Snapshot_State } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { StoredSnapshot } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import type { ExportContext } from "../context.ts";
import { contentDamaged } from "../snapshot/snapshot-errors.ts";
import type { SnapshotReader } from "../snapshot/snapshot-reader.ts";
import type { SnapshotUse } from "../snapshot/snapshot-use.ts";
import { withoutExamples } from "../snapshot/statistics-view.ts";
import type { StreamFrame } from "./encode-frame.ts";
import { layoutSpan, segmentDigests, spanFrom } from "./frame-span.ts";
import { resumeBeyondEnd } from "./resume-point.ts";
import type { StreamRoom } from "./stream-memory.ts";

const IDLE_MILLIS = 1000;

export interface SnapshotStreamOptions {
  /** Samples in a frame at most. */
  readonly maxSamples: number;
  /** The client's cancel. */
  readonly signal: AbortSignal;
  /** The server is about to stop. */
  readonly drain: AbortSignal;
}

export interface SnapshotStreamParts {
  readonly key: Uint8Array;
  readonly use: SnapshotUse;
  readonly reader: SnapshotReader;
  readonly room: StreamRoom;
}

/** The frames after the header of a snapshot in its own order, while it is built too. */
export class SnapshotStream {
  readonly #context: ExportContext;
  readonly #options: SnapshotStreamOptions;
  readonly #key: Uint8Array;
  readonly #use: SnapshotUse;
  readonly #reader: SnapshotReader;
  readonly #room: StreamRoom;
  readonly #segments = createHash("sha256");
  readonly #wake: AbortSignal;
  readonly #firstIndex: number;
  #nextIndex: number;

  constructor(
    context: ExportContext,
    options: SnapshotStreamOptions,
    { key, use, reader, room }: SnapshotStreamParts,
    nextIndex: number,
  ) {
    this.#context = context;
    this.#options = options;
    this.#key = key;
    this.#use = use;
    this.#reader = reader;
    this.#room = room;
    this.#wake = AbortSignal.any([options.signal, options.drain]);
    this.#firstIndex = nextIndex;
    this.#nextIndex = nextIndex;
  }

  async *frames(): AsyncGenerator<StreamFrame> {
    let idleSince = performance.now();
    for (;;) {
      this.#options.signal.throwIfAborted();
      this.#use.renew();
      if (this.#options.drain.aborted) return yield this.#footer(Footer_Reason.REASON_DRAIN);
      const batch = (await this.#nextBatch()) ?? (await this.#endOrNextBatch());
      if (batch !== undefined) {
        yield batch;
        if ("frame" in batch) return;
        idleSince = performance.now();
      } else if (performance.now() - idleSince >= IDLE_MILLIS) {
        yield this.#checkpoint();
        idleSince = performance.now();
      } else {
        await this.#reader.wait(Math.max(1, IDLE_MILLIS - (performance.now() - idleSince)), this.#wake);
      }
    }
  }

  /** The next samples; undefined where they are not built yet, or there are none. */
  async #nextBatch(): Promise<Buffer<ArrayBuffer> | undefined> {
    const block = await this.#reader.blockOf(this.#nextIndex);
    if (block === undefined) return undefined;
    const span = spanFrom(block, this.#nextIndex, this.#context.streamMemory.frameBytes, this.#options.maxSamples);
    const { bytes, lines } = layoutSpan(span);
    this.#room.fit(bytes.length);
    await this.#reader.verify(block, span.firstPage, span.endPage);
    await this.#reader.read(block, span.offset, lines);
    for (const digest of segmentDigests(span, lines)) this.#segments.update(digest);
    this.#nextIndex += span.count;
    this.#context.samplesSent.add(span.count);
    return bytes;
  }

  /** The footer once everything was sent; undefined while the snapshot is built. */
  async #endOrNextBatch(): Promise<StreamFrame | undefined> {
    if (this.#reader.isBuilding) return undefined;
    const stored = await this.#reader.state();
    const sampleCount = sampleCountOf(stored);
    if (sampleCount === undefined) return undefined;
    if (this.#nextIndex === sampleCount) return this.#footer(Footer_Reason.REASON_END, stored);
    if (this.#nextIndex > sampleCount) throw resumeBeyondEnd(this.#nextIndex, sampleCount);
    const batch = await this.#nextBatch();
    if (batch === undefined) throw contentDamaged(this.#key, this.#nextIndex);
    return batch;
  }

  #checkpoint(): StreamFrame {
    const statistics = this.#reader.statistics;
    const shown = statistics && withoutExamples(statistics);
    return { frame: { $case: "checkpoint", value: { nextIndex: BigInt(this.#nextIndex), statistics: shown } } };
  }

  #footer(reason: Footer_Reason, sealed?: StoredSnapshot): StreamFrame {
    const value: Footer = {
      reason,
      nextIndex: BigInt(this.#nextIndex),
      sampleCount: BigInt(this.#nextIndex - this.#firstIndex),
      linesDigest: this.#segments.digest(),
      snapshotDigest: sealed?.snapshot?.digest ?? new Uint8Array(),
      statistics: sealed?.snapshot?.statistics,
    };
    return { frame: { $case: "footer", value } };
  }
}

/** Known once sealed. */
export function sampleCountOf({ snapshot }: Pick<StoredSnapshot, "snapshot">): number | undefined {
  return snapshot?.state === Snapshot_State.STATE_SEALED ? Number(snapshot.statistics?.sampleCount ?? 0n) : undefined;
}
