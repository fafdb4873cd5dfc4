import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { adapterMetadata, qualityReport } from "./adapter-set.ts";
import { cardFile, datasetCard } from "./dataset-card.ts";
import { shardPath, sumOf } from "./export-folder.ts";
import { type ExportIndex, indexFile, indexText, type SplitEntry, writeWhole } from "./export-index.ts";
import { type ExportState, removeState, type SplitState } from "./export-state.ts";
import { mixedPaths, type StructType } from "./sample-type.ts";
import { withoutRecords } from "./without-records.ts";

/** Gives the shards their last names and writes what belongs to them, the index last. After an interruption it is done again from the beginning. */
export function finishExport(folder: string, state: ExportState, type: StructType): ExportIndex {
  const splits = state.splits.map((split) => finishSplit(folder, state, split));
  const index: ExportIndex = { version: 1, files: state.files, ...state.about, mixed: mixedPaths(type), splits };
  if (state.files.adapter_set) {
    const statistics = state.splits[0]?.end?.statistics ?? {};
    writeWhole(join(folder, "adapter_metadata.json"), json(adapterMetadata(index)));
    writeWhole(join(folder, "quality_report.json"), json(qualityReport(index, statistics)));
  }
  writeWhole(join(folder, cardFile), datasetCard(index, type));
  writeWhole(join(folder, indexFile), indexText(index));
  removeState(folder);
  return index;
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function finishSplit(folder: string, { files }: ExportState, { name, snapshot, shards, end }: SplitState): SplitEntry {
  const entries = shards.map((shard, number) => {
    const path = shardPath(files, name, number, shards.length);
    const part = join(folder, shard.path);
    if (existsSync(part)) renameSync(part, join(folder, path));
    return { ...shard, path };
  });
  return {
    name,
    snapshot,
    digest: end?.digest ?? "",
    samples: sumOf(entries, "samples"),
    bytes: sumOf(entries, "bytes"),
    statistics: withoutRecords(end?.statistics ?? {}),
    shards: entries,
  };
}
