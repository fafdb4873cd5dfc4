import { stringify } from "yaml";
import { bytes, count } from "../output.ts";
import { sumOf } from "./export-folder.ts";
import { type ExportIndex, indexFile, type ShardEntry, type SplitEntry } from "./export-index.ts";
import { featuresOf } from "./features.ts";
import type { StructType } from "./sample-type.ts";

export const cardFile = "README.md";

/** A dataset card: front matter for programs (how to load the files, what is in them), and a page for people. */
export function datasetCard(index: ExportIndex, type: StructType): string {
  // Readers of cards know YAML 1.1, where more plain words are no text.
  const frontMatter = stringify(frontMatterOf(index, type), { lineWidth: 0, version: "1.1" });
  return `---\n${frontMatter}---\n\n${page(index)}`;
}

function frontMatterOf(index: ExportIndex, type: StructType): object {
  const filled = index.splits.filter(({ samples }) => samples > 0);
  const dataFiles = filled.map(({ name, shards }) => ({
    split: splitName(name),
    path: pattern(shards),
  }));
  // In JSON lines a mixed value is what it is, which no feature can say.
  const hasFeatures = index.files.format === "parquet" || index.mixed.length === 0;
  return {
    tags: ["loraloop"],
    size_categories: [sizeCategory(sum(index.splits, "samples"))],
    configs: [{ config_name: "default", data_files: dataFiles }],
    dataset_info: {
      ...(hasFeatures && { features: featuresOf(type) }),
      splits: filled.map((split) => ({
        name: splitName(split.name),
        num_bytes: sumOf(split.shards, "line_bytes"),
        num_examples: split.samples,
      })),
      download_size: sum(filled, "bytes"),
      dataset_size: filled.reduce((total, { shards }) => total + sumOf(shards, "line_bytes"), 0),
    },
    loraloop: {
      dataset: index.dataset,
      dataset_version: index.dataset_version,
      revision: index.revision,
      as_of: index.as_of,
      snapshots: index.splits.map(({ name, snapshot, digest }) => ({ split: name, snapshot, digest })),
    },
  };
}

/** All shards of a split, and none of another export's. */
function pattern([first, ...others]: readonly ShardEntry[]): string {
  const path = first?.path ?? "";
  return others.length === 0 ? path : path.replace(/-\d+-of-/, "-*-of-");
}

/** Readers of cards allow no `-` in the name of a split. */
function splitName(name: string): string {
  return name.replaceAll("-", "_");
}

function sum(splits: readonly SplitEntry[], key: "samples" | "bytes"): number {
  return splits.reduce((total, split) => total + split[key], 0);
}

const sizes = ["K", "M", "B", "T"];

/** `1K<n<10K`, as the hub groups datasets. */
function sizeCategory(samples: number): string {
  if (samples < 1000) return "n<1K";
  const power = Math.floor(Math.log10(samples));
  const at = (exponent: number): string => `${10 ** (exponent % 3)}${sizes[Math.floor(exponent / 3) - 1]}`;
  return power >= 12 ? "n>1T" : `${at(power)}<n<${at(power + 1)}`;
}

function page(index: ExportIndex): string {
  const name = index.dataset === "" ? "Samples of an unnamed dataset" : `${index.dataset}@${index.dataset_version}`;
  return [
    `# ${name}`,
    `Training samples, written by loraloop at revision ${index.revision}, as of ${index.as_of}. \`${indexFile}\` lists every file with its SHA-256.`,
    ...(index.weighted ? ["`weight` says how much a sample counts in the loss."] : []),
    ...mixedNote(index),
    ["| split | samples | bytes | snapshot | digest |", "|---|--:|--:|---|---|", ...index.splits.map(splitRow)].join(
      "\n",
    ),
    ...index.splits.flatMap(statisticsSection),
    "## Dataset",
    `\`\`\`json\n${JSON.stringify(index.spec, undefined, 2)}\n\`\`\``,
    "",
  ]
    .join("\n\n")
    .trimEnd()
    .concat("\n");
}

function mixedNote({ files, mixed }: ExportIndex): string[] {
  if (mixed.length === 0) return [];
  const paths = mixed.map((path) => `\`${path}\``).join(", ");
  const how = files.format === "parquet" ? "are JSON text here" : "are of more than one type";
  return [`Values of ${paths} ${how}.`];
}

function splitRow({ name, samples, bytes: size, snapshot, digest }: SplitEntry): string {
  return `| ${name} | ${count(samples)} | ${bytes(size)} | \`${snapshot.slice(0, 12)}\` | \`${digest.slice(0, 12)}\` |`;
}

function statisticsSection({ name, statistics }: SplitEntry): string[] {
  return [`## Statistics of ${name}`, `\`\`\`json\n${JSON.stringify(statistics, undefined, 2)}\n\`\`\``];
}
