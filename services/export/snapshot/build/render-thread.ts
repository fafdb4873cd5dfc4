import { parentPort, workerData } from "node:worker_threads";
import { DatasetSpec } from "../../../../proto/gen/loraloop/export/v1/dataset.ts";
import { StoredRecord } from "../../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { toThreadError } from "../../../kit/thread-error.ts";
import { openReader } from "../../../store/open-reader.ts";
import { prefixRange } from "../../../store/range.ts";
import type { Entry } from "../../../store/store.ts";
import { recordKey, recordKeyPrefixBytes } from "../../keys.ts";
import { loadExporters } from "../../rendering/exporter-registry.ts";
import { loadRenderer } from "../../rendering/load-renderer.ts";
import type { Renderer } from "../../rendering/renderer.ts";
import { weightText } from "../../rendering/weight-text.ts";
import { type Chunk, transfersOf } from "./chunk.ts";
import { ChunkBuilder } from "./chunk-builder.ts";
import type { RenderJob, RenderReply, RenderRequest, RenderThreadData } from "./render-messages.ts";

/** Scans and renders chunks, one at a time: JSON and hashing stay off the thread that serves. */

interface OpenJob {
  readonly job: RenderJob;
  readonly renderer: Renderer;
}

const port = parentPort as NonNullable<typeof parentPort>;
const data = workerData as RenderThreadData;
const reader = await openReader(data.store);
const exporters = await loadExporters(data.pluginsDirectory);
const jobs = new Map<number, Promise<OpenJob>>();
let builder = new ChunkBuilder();
/** The build whose chunk is rendered. */
let scanning: number | undefined;
/** Ends the wait between two parts of a chunk. */
let resume: (() => void) | undefined;
/** `,"weight":` */
const WEIGHT_KEY_BYTES = 10;
/** A chunk of more rendered bytes goes in parts: records and recipes may be hostile, and the memory of a build is bounded. */
const MAX_PART_BYTES = 8 * 1024 * 1024;

port.on("message", (request: RenderRequest) => {
  if (request.kind === "scan") {
    void scan(request).catch(fail);
    return;
  }
  if (request.kind === "close") jobs.delete(request.build);
  if (request.build === scanning) resume?.();
});

async function scan({ build, job: newJob, scan }: RenderRequest & { kind: "scan" }): Promise<void> {
  scanning = build;
  if (newJob !== undefined) jobs.set(build, openJob(newJob));
  const { job, renderer } = await (jobs.get(build) as Promise<OpenJob>);
  const { end } = prefixRange(recordKey(job.collection, ""));
  const range = { start: scan.start, end };
  const { entries, next } = await reader.scan(job.tenant, range, { at: job.at, limit: scan.limit });
  reply({ kind: "scanned", next });
  // Taken out one by one: what was rendered is garbage at once, and does not grow old with its page.
  entries.reverse();
  for (let entry = entries.pop(); entry !== undefined; entry = entries.pop()) {
    if (builder.bytes >= MAX_PART_BYTES) await sendPart(build, scan.number);
    render(renderer, entry);
  }
  send(builder.take({ number: scan.number, complete: true, last: next === undefined }));
}

/** Sends what is rendered, and waits until it was taken. Throws where the build ended meanwhile. */
async function sendPart(build: number, number: number): Promise<void> {
  const resumed = new Promise<void>((resolve) => {
    resume = resolve;
  });
  send(builder.take({ number, complete: false, last: false }));
  builder = new ChunkBuilder();
  await resumed;
  resume = undefined;
  if (!jobs.has(build)) throw new Error("The build has ended.");
}

function send(chunk: Chunk): void {
  port.postMessage({ kind: "rendered", chunk } satisfies RenderReply, transfersOf(chunk));
}

async function openJob(job: RenderJob): Promise<OpenJob> {
  return { job, renderer: await loadRenderer(DatasetSpec.decode(job.spec), job.asOf, exporters) };
}

function render(renderer: Renderer, entry: Entry): void {
  const id = Buffer.from(entry.key.buffer, entry.key.byteOffset, entry.key.length).toString(
    "utf8",
    recordKeyPrefixBytes,
  );
  const outcome = renderer.render(id, StoredRecord.decode(entry.value));
  if (outcome.kind === "dropped") {
    builder.dropped(outcome.condition);
  } else if (outcome.kind === "rejected") {
    builder.rejected({ id, reason: outcome.reason, problem: outcome.problem });
  } else {
    builder.sample(id, {
      line: outcome.line,
      content: outcome.content,
      weightMicros: outcome.weightMicros,
      weightBytes: renderer.weighted ? WEIGHT_KEY_BYTES + weightText(outcome.weightMicros).length : 0,
      schemaInvalid: outcome.schemaProblem !== "",
    });
  }
}

reply({ kind: "ready" });

function fail(error: unknown): void {
  builder = new ChunkBuilder();
  reply({ kind: "failed", error: toThreadError(error) });
}

function reply(message: RenderReply): void {
  port.postMessage(message);
}
