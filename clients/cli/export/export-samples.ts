import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DeepPartial, SampleSource } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { type Client, LoraloopError, type SampleStream } from "../../typescript/src/index.ts";
import { InputError } from "../failure.ts";
import { toJson } from "../output.ts";
import { statisticsFile } from "../statistics.ts";
import { inspectFolder, partPath, removeFiles, shardPath } from "./export-folder.ts";
import type { ExportIndex, FileOptions } from "./export-index.ts";
import { type ExportState, removeState, type SplitState, writeState } from "./export-state.ts";
import { finishExport } from "./finish-export.ts";
import { type Pinned, pinSource } from "./pin-source.ts";
import { type StructType, widenSample } from "./sample-type.ts";
import { loadStruct, saveStruct } from "./saved-type.ts";
import { digestFile } from "./shard-file.ts";
import { nextIndex, SplitWriter } from "./split-writer.ts";

export interface ExportTask {
  readonly client: Client;
  readonly source: DeepPartial<SampleSource>;
  readonly folder: string;
  readonly files: FileOptions;
  readonly signal: AbortSignal;
  readonly reconnectSeconds: number;
  /** Told after every frame. */
  readonly onProgress: (stream: SampleStream, split: string) => void;
  /** Told once where the samples have to be read a second time. */
  readonly onBeginAgain: () => void;
}

/**
 * Writes the samples of a source as files. What an interrupted run left in the folder is gone on with, what a finished one left is recognised,
 * and the files are the same as without an interruption. Throws InputError where the folder holds something else.
 */
export async function exportSamples(task: ExportTask): Promise<{ index: ExportIndex; wasThere: boolean }> {
  const found = inspectFolder(task.folder);
  if (found.kind === "finished") {
    await checkFinished(task, found.index);
    removeState(task.folder);
    return { index: found.index, wasThere: true };
  }
  const state = found.kind === "unfinished" ? checkUnfinished(task, found.state) : await begin(task);
  const work = new ExportWork(task, state);
  await work.run();
  return { index: finishExport(task.folder, state, work.type), wasThere: false };
}

async function checkFinished(task: ExportTask, index: ExportIndex): Promise<void> {
  const { folder } = task;
  checkFiles(folder, task.files, index.files);
  const pinned = await pinSource(task.client, task.source, task);
  const keys = (splits: readonly { readonly snapshot: string }[]): string => splits.map((each) => each.snapshot).join();
  if (keys(pinned.splits) !== keys(index.splits)) {
    throw new InputError(
      `${folder} holds snapshot ${index.splits[0]?.snapshot}, not ${pinned.splits[0]?.snapshot}: name another folder, or export the snapshot.`,
    );
  }
  for (const { path, shard } of checkShards(folder, index)) {
    if ((await digestFile(path)).sha256 !== shard.sha256) throw changed(path, folder);
  }
}

function checkUnfinished({ source, folder, files }: ExportTask, state: ExportState): ExportState {
  if (state.source !== toJson(source)) {
    throw new InputError(
      `${folder} holds an unfinished export of another source: ${state.source}, not ${toJson(source)}. Name another folder.`,
    );
  }
  checkFiles(folder, files, state.files);
  checkShards(folder, state);
  return state;
}

interface ShardFile {
  readonly path: string;
  readonly shard: SplitState["shards"][number];
}

/** Where the shards lie. Throws InputError where one is gone, or has another length. */
function checkShards(folder: string, { files, splits }: Pick<ExportState, "files" | "splits">): ShardFile[] {
  return splits.flatMap(({ name, shards }) =>
    shards.map((shard, number) => {
      const places = [shard.path, shardPath(files, name, number, shards.length)].map((each) => join(folder, each));
      const path = places.find((each) => existsSync(each));
      if (path === undefined || statSync(path).size !== shard.bytes) throw changed(path ?? places[0], folder);
      return { path, shard };
    }),
  );
}

function changed(path: string | undefined, folder: string): InputError {
  return new InputError(`${path} is not as it was written: remove ${folder} and export again.`);
}

function checkFiles(folder: string, asked: FileOptions, found: FileOptions): void {
  for (const key of ["adapter_set", "format", "compression", "shard_size"] as const) {
    if (asked[key] === found[key]) continue;
    throw new InputError(
      `${folder} holds an export with ${key} = ${found[key]}, not ${asked[key]}: give the same options, or name another folder.`,
    );
  }
}

async function begin(task: ExportTask): Promise<ExportState> {
  const { source, folder, files } = task;
  const { about, splits } = await pinSource(task.client, source, task);
  if (files.adapter_set && splits.length > 1) {
    const names = splits.map(({ name }) => name).join(", ");
    throw new InputError(`training.jsonl holds one split; choose it with --split (${names}).`);
  }
  const state: ExportState = {
    version: 1,
    source: toJson(source),
    files,
    about,
    type: saveStruct({ fields: new Map(about.weighted ? [["weight", "number"]] : []) }),
    splits: splits.map((split: Pinned) => ({ ...split, shards: [] })),
  };
  mkdirSync(folder, { recursive: true });
  writeState(folder, state);
  return state;
}

/** Columns are fixed when the first of them are written. A sample that does not fit them ends the writing: the rest is read for its types only, then all is written anew. */
class ExportWork {
  readonly #task: ExportTask;
  readonly #state: ExportState;
  #type: StructType;
  #columnsFixed: boolean;
  #readsTypesOnly = false;

  constructor(task: ExportTask, state: ExportState) {
    this.#task = task;
    this.#state = state;
    this.#type = loadStruct(state.type);
    this.#columnsFixed = state.files.format === "parquet" && state.splits.some(({ shards }) => shards.length > 0);
  }

  get type(): StructType {
    return this.#type;
  }

  async run(): Promise<void> {
    if (!this.#state.files.adapter_set) mkdirSync(join(this.#task.folder, "data"), { recursive: true });
    await this.#runSplits();
    if (!this.#readsTypesOnly) return;
    this.#beginAgain();
    await this.#runSplits();
  }

  async #runSplits(): Promise<void> {
    for (const split of this.#state.splits) {
      if (split.end === undefined) await this.#runSplit(split);
    }
  }

  async #runSplit(split: SplitState): Promise<void> {
    const { client, signal, reconnectSeconds } = this.#task;
    const resume = split.stream && { resume: { ...split.stream, next_index: nextIndex(split) } };
    const stream = client.stream({ snapshot: split.snapshot }, { signal, reconnectSeconds, ...resume });
    const writer = this.#openWriter(split);
    try {
      await this.#copy(stream, split, writer);
      if (this.#readsTypesOnly) return;
      await writer.finish();
      split.end = endOf(stream);
      this.#save();
    } finally {
      writer.close();
    }
  }

  #openWriter(split: SplitState): SplitWriter {
    const { folder, files } = this.#task;
    const type = (): StructType => {
      this.#columnsFixed = true;
      return this.#type;
    };
    return new SplitWriter({ folder, files, split, type, save: () => this.#save() });
  }

  async #copy(stream: SampleStream, split: SplitState, writer: SplitWriter): Promise<void> {
    for await (const batch of stream.batches()) {
      split.stream ??= { ...stream.stateDict(), next_index: 0 };
      const lines = batch.ndjson();
      let start = 0;
      for (const sample of batch.samples()) {
        const end = lines.indexOf(0x0a, start) + 1;
        this.#widen(sample);
        if (!this.#readsTypesOnly) await writer.add(lines.subarray(start, end), sample);
        start = end;
      }
      this.#task.onProgress(stream, split.name);
    }
  }

  #widen(sample: object): void {
    const wider = widenSample(this.#type, sample);
    if (wider === this.#type) return;
    this.#type = wider;
    if (!this.#columnsFixed || this.#readsTypesOnly) return;
    this.#readsTypesOnly = true;
    this.#task.onBeginAgain();
  }

  #beginAgain(): void {
    for (const split of this.#state.splits) {
      const parts = Array.from({ length: split.shards.length + 1 }, (_, number) => number);
      split.shards = [];
      delete split.end;
      this.#save();
      removeFiles(
        this.#task.folder,
        parts.map((number) => partPath(this.#task.files, split.name, number)),
      );
    }
    this.#readsTypesOnly = this.#columnsFixed = false;
  }

  #save(): void {
    this.#state.type = saveStruct(this.#type);
    writeState(this.#task.folder, this.#state);
  }
}

function endOf(stream: SampleStream): SplitState["end"] {
  const { statistics, snapshotDigest } = stream;
  if (statistics === undefined || snapshotDigest === undefined) throw new LoraloopError("The stream has no end.");
  return {
    digest: Buffer.from(snapshotDigest).toString("hex"),
    statistics: JSON.parse(toJson(statisticsFile(statistics))) as object,
  };
}
