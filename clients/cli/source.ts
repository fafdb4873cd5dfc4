import type { Command } from "commander";
import type { Timestamp } from "../../proto/gen/google/protobuf/timestamp.ts";
import type { DeepPartial, SampleSource } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { parseTimestamp } from "../../services/export/rendering/timestamp.ts";
import { toTimestamp } from "../../services/kit/timestamp.ts";
import { type Client, RpcError } from "../typescript/src/index.ts";
import { readDatasetFile } from "./dataset-file.ts";
import { InputError } from "./failure.ts";
import { toRevision } from "./revision.ts";

export interface SourceOptions {
  readonly spec?: string;
  readonly split?: string;
  readonly asOf?: string;
  readonly revision?: string;
  readonly allowOpenIngest?: true;
}

/** Adds the options that say what is read. */
export function sourceOptions(command: Command): Command {
  return command
    .option("--spec <file>", "an unnamed dataset from a JSON file instead of a name")
    .option("--split <name>", "only this split of the dataset")
    .option("--as-of <time>", "“now” of freshness weights, ISO 8601; the newest record's commit by default")
    .option("--revision <number>", "read the records as of this revision")
    .option("--allow-open-ingest", "read a collection that is being ingested");
}

/** A dataset's name or file, or a snapshot's key. */
export async function toSource(
  client: Client,
  name: string | undefined,
  options: SourceOptions,
): Promise<DeepPartial<SampleSource>> {
  return {
    source: await what(client, name, options.spec),
    split: options.split ?? "",
    ...(options.asOf !== undefined && { asOf: readTime(options.asOf) }),
    ...(options.revision !== undefined && { revision: toRevision("--revision", options.revision) }),
    allowOpenIngest: options.allowOpenIngest === true,
  };
}

async function what(
  client: Client,
  name: string | undefined,
  file: string | undefined,
): Promise<SampleSource["source"]> {
  if (file !== undefined) return { $case: "spec", value: await readDatasetFile(file) };
  if (name === undefined) throw new InputError("Name a dataset or a snapshot, or give --spec FILE.");
  const isSnapshot = /^[0-9a-f]{8,64}$/.test(name) && !(await datasetExists(client, name));
  return isSnapshot ? { $case: "snapshot", value: name } : { $case: "dataset", value: name };
}

async function datasetExists(client: Client, name: string): Promise<boolean> {
  if (!/^[a-z]/.test(name)) return false;
  try {
    await client.export.getDataset({ name });
    return true;
  } catch (error) {
    if (error instanceof RpcError && error.code !== "UNAVAILABLE") return false;
    throw error;
  }
}

/** A time without offset is UTC, on every machine. */
function readTime(text: string): Timestamp {
  const micros = parseTimestamp(text);
  if (micros === undefined) throw new InputError(`--as-of is not a time: ${text}. Write it like 2026-01-31T12:00:00Z.`);
  return toTimestamp(micros);
}
