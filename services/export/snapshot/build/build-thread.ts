import { mkdirSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { DatasetSpec } from "../../../../proto/gen/loraloop/export/v1/dataset.ts";
import { Statistics } from "../../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { encoded } from "../../../kit/encoded.ts";
import { limits } from "../../../kit/limits.ts";
import { toThreadError } from "../../../kit/thread-error.ts";
import { openReader } from "../../../store/open-reader.ts";
import type { StoreReader } from "../../../store/store.ts";
import { StatisticsBuilder } from "../../rendering/statistics.ts";
import { buildingFolder, buildingPath } from "../blocks/block-paths.ts";
import type { Page } from "../blocks/page.ts";
import { storedBlocks } from "../blocks/stored-blocks.ts";
import { tablePath } from "../table/table-file.ts";
import { TableWriter } from "../table/table-writer.ts";
import { Assembler } from "./assembler.ts";
import { BlockWriter } from "./block-writer.ts";
import type { AssembleJob, BuildReply, BuildRequest } from "./build-messages.ts";
import type { Chunk } from "./chunk.ts";
import { type DeduplicationCounts, DeduplicationMemory } from "./deduplication-memory.ts";

/** Assembles one snapshot at a time: deduplication, file writes and digests stay off the thread that serves. */

const memory = new DeduplicationMemory(workerData as DeduplicationCounts);
const port = parentPort as NonNullable<typeof parentPort>;
/** Milliseconds between two reports of the statistics. */
const STATISTICS_INTERVAL = 250;

class Session {
  readonly #assembler: Assembler;
  /** Undefined in a build that goes on after another: then the table is made when it is needed. */
  #table: TableWriter | undefined;
  /** Chunks that came before their turn. */
  readonly #early = new Map<number, Chunk>();
  #nextChunk = 0;
  #pages: Page[] = [];
  #block = 0;
  #reported = Number.NEGATIVE_INFINITY;

  constructor(job: AssembleJob, spec: DatasetSpec, earlier: Statistics | undefined) {
    const begin = performance.now() - Number(earlier?.durationMs ?? 0n);
    mkdirSync(buildingFolder(job.dataDirectory), { recursive: true });
    if (earlier === undefined) this.#table = new TableWriter(tablePath(job.dataDirectory, job.tenant, job.snapshot));
    this.#assembler = new Assembler({
      weighted: spec.weighting !== undefined,
      skipDuplicates: spec.quality?.skipDuplicates ?? false,
      deduplicatedSamples: limits.deduplicated_samples,
      takeMemory: (bytes) => memory.take(bytes),
      maxErrors: spec.errorHandling?.stopOnError ? 0 : spec.errorHandling?.maxErrors,
      statistics: earlier === undefined ? new StatisticsBuilder(job.conditions) : StatisticsBuilder.from(earlier),
      finishStatistics: (message) => ({ ...message, durationMs: BigInt(Math.round(performance.now() - begin)) }),
      openBlock: (firstSample) => {
        this.#block = firstSample;
        return new BlockWriter(buildingPath(job.dataDirectory, { ...job, firstSample }));
      },
      onPage: ({ firstId: _, contentHashes: __, ...page }, lines) => {
        this.#pages.push(page);
        this.#table?.addPage(page, lines);
      },
      onBlock: (block) => {
        this.#table?.endBlock(block.digest);
        this.#sendPages();
        port.postMessage({ kind: "block", block } satisfies BuildReply, [block.index.buffer as ArrayBuffer]);
      },
    });
  }

  get assembler(): Assembler {
    return this.#assembler;
  }

  add(chunk: Chunk): void {
    this.#early.set(chunk.number, chunk);
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      this.#assembler.add(next);
      this.#sendPages();
      reply({ kind: "consumed", complete: next.complete, statistics: this.#statisticsIfDue() });
      if (next.last) this.#finish();
    }
  }

  abandon(): void {
    this.#assembler.abandon();
    this.#table?.abandon();
  }

  #take(): Chunk | undefined {
    const chunk = this.#early.get(this.#nextChunk);
    this.#early.delete(this.#nextChunk);
    if (chunk?.complete) this.#nextChunk += 1;
    return chunk;
  }

  #finish(): void {
    const { digest, statistics } = this.#assembler.finish();
    this.#table?.finish();
    this.#table = undefined;
    this.#sendPages();
    reply({ kind: "finished", digest, statistics: encoded(Statistics, statistics) });
  }

  #sendPages(): void {
    if (this.#pages.length > 0) reply({ kind: "pages", block: this.#block, pages: this.#pages });
    this.#pages = [];
  }

  #statisticsIfDue(): Uint8Array | undefined {
    const now = performance.now();
    if (now - this.#reported < STATISTICS_INTERVAL) return undefined;
    this.#reported = now;
    return encoded(Statistics, this.#assembler.statistics());
  }
}

interface Restored {
  readonly started: Session;
  readonly nextId: string;
  readonly blockCount: number;
}

let session: Session | undefined;

let handled: Promise<void> = Promise.resolve();

port.on("message", (request: BuildRequest) => {
  handled = handled.then(() => handle(request)).catch(fail);
});

async function handle(request: BuildRequest): Promise<void> {
  if (request.kind === "start") await start(request);
  else if (request.kind === "chunk") session?.add(request.chunk);
  else {
    end();
    reply({ kind: "stopped" });
  }
}

async function start({ job, store }: BuildRequest & { kind: "start" }): Promise<void> {
  const reader = await openReader(store);
  try {
    const { started, nextId, blockCount } = await restore(reader, job);
    session = started;
    reply({ kind: "restored", nextId, sampleCount: started.assembler.sampleCount, blockCount });
  } finally {
    await reader.close();
  }
}

/** Goes on from the last committed block; from the start where there is none. */
async function restore(reader: StoreReader, job: AssembleJob): Promise<Restored> {
  const last = await storedBlocks.last(reader, job.tenant, job.snapshot);
  const started = new Session(job, DatasetSpec.decode(job.spec), last?.statistics);
  let blockCount = 0;
  for await (const block of storedBlocks.all(reader, job.tenant, job.snapshot)) {
    started.assembler.restore(block);
    blockCount += 1;
  }
  return { started, nextId: last?.nextId ?? "", blockCount };
}

function fail(error: unknown): void {
  end();
  reply({ kind: "failed", error: toThreadError(error) });
}

function end(): void {
  session?.abandon();
  session = undefined;
  memory.release();
}

function reply(message: BuildReply): void {
  port.postMessage(message);
}
