import { createHash } from "node:crypto";
import {
  BlockCache,
  type Client,
  mergeStates,
  type PlanOptions,
  type RankBatch,
  type StreamState,
  type TrainerOptions,
} from "../../clients/typescript/src/index.ts";
import type { ChildLines } from "../fault/child-lines.ts";

/** Index, id, weight (null where there is none) and SHA-256 of the texts. */
export type SampleFacts = readonly [number, string, number | null, string];

/** A plan that both languages can be told: of a run, over one snapshot, or over a mixture of snapshots. */
export interface BatchPlan {
  /** Says all but the epoch. */
  readonly run: string | null;
  readonly snapshot: string | null;
  readonly globalBatchSize: number;
  readonly epoch: number;
  readonly seed: number;
  readonly shuffle: boolean | number;
  readonly dropLast: boolean;
  readonly weights: "loss" | "sampling";
  readonly mixture: {
    readonly sources: readonly { readonly snapshot: string; readonly proportion: number }[];
    readonly exhaustion: "first" | "all";
    readonly blockBatches: number;
  } | null;
}

/** Which part is read by whom, and how it comes. */
export interface BatchJob {
  readonly plan: BatchPlan;
  readonly worldSize: number;
  /** 0 reads in the main process. */
  readonly workers: number;
  readonly compression: "none" | "zstd";
  /** Folder of the block cache; frames bring lines where null. */
  readonly cache: string | null;
  readonly state: StreamState | null;
  /** At most so many batches. */
  readonly batches: number;
}

interface RankAnswer {
  readonly batches: readonly (readonly SampleFacts[])[];
  readonly state: StreamState;
}

/** What all ranks of a world read: global batches, and the state that they agree on. */
export interface WorldAnswer {
  readonly batches: readonly (readonly SampleFacts[])[];
  readonly state: StreamState;
}

export type BatchReader = (job: BatchJob) => Promise<WorldAnswer>;

export function sourceOf({ run, snapshot }: BatchPlan): { run: string } | { snapshot: string } | undefined {
  if (run !== null) return { run };
  return snapshot === null ? undefined : { snapshot };
}

export function optionsOf({ run: _run, snapshot: _snapshot, mixture, ...plan }: BatchPlan): PlanOptions {
  if (mixture === null) return plan;
  const sources = mixture.sources.map(({ snapshot, proportion }) => ({ source: { snapshot }, proportion }));
  return { ...plan, mixture: { ...mixture, sources } };
}

/** SHA-256 of what a sample says, as read_batches.py makes it. */
export function digestOf(sample: Readonly<Record<string, unknown>>): string {
  const texts = ["text", "instruction", "output"].map((name) => String(sample[name] ?? ""));
  return createHash("sha256").update(texts.join("\0")).digest("hex");
}

export function factsOf(batch: Pick<RankBatch, "indices" | "ids" | "samples">): SampleFacts[] {
  return batch.samples().map((sample, place) => {
    const weight = (sample["weight"] as number | undefined) ?? null;
    return [batch.indices[place] as number, batch.ids[place] as string, weight, digestOf(sample)];
  });
}

/** Ranks and workers as trainers of one process. */
export function typescriptReader(client: Client): BatchReader {
  return async (job) => {
    const ranks: RankAnswer[] = [];
    for (let rank = 0; rank < job.worldSize; rank += 1) ranks.push(await readRank(client, job, rank));
    return joinRanks(ranks);
  };
}

async function readRank(client: Client, job: BatchJob, rank: number): Promise<RankAnswer> {
  const workerCount = Math.max(1, job.workers);
  const options: TrainerOptions = {
    ...optionsOf(job.plan),
    ...{ rank, worldSize: job.worldSize, workerCount, compression: job.compression },
    ...(job.cache !== null && { cache: new BlockCache({ directory: job.cache }) }),
    ...(job.state !== null && { resume: job.state }),
  };
  const workers = Array.from({ length: workerCount }, (_, worker) =>
    client.trainer(sourceOf(job.plan), { ...options, worker })[Symbol.asyncIterator](),
  );
  const taken: RankBatch[] = [];
  for (let turn = 0; taken.length < job.batches; turn += 1) {
    const { value, done } = await (workers[turn % workerCount] as AsyncGenerator<RankBatch>).next();
    if (done === true) break;
    taken.push(value);
  }
  for (const worker of workers) await worker.return(undefined);
  const state = taken.at(-1)?.state ?? job.state;
  if (state === null) throw new Error("There was no batch.");
  return { batches: taken.map(factsOf), state };
}

/** Ranks as loaders of a Python process, workers as its processes. */
export function pythonReader(child: ChildLines): BatchReader {
  return async (job) => {
    child.tell(JSON.stringify(job));
    return joinRanks(JSON.parse(await child.answer()) as RankAnswer[]);
  };
}

/** Throws where ranks differ in their state or in how many batches they have. */
function joinRanks(ranks: readonly RankAnswer[]): WorldAnswer {
  const state = mergeStates(ranks.map((rank) => rank.state));
  const counts = new Set(ranks.map(({ batches }) => batches.length));
  if (counts.size > 1) throw new Error(`Ranks have ${[...counts].join(" and ")} batches.`);
  const batches = ranks[0]?.batches.map((_, place) => ranks.flatMap((rank) => rank.batches[place] ?? [])) ?? [];
  return { batches, state };
}
