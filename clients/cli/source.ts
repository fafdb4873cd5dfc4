import type { Command } from "commander";
import type { DeepPartial, SampleSource } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { type Client, RpcError } from "../typescript/src/index.ts";
import { readDatasetFile } from "./dataset-file.ts";
import { InputError } from "./failure.ts";

export interface SourceOptions {
  readonly spec?: string;
  readonly asOf?: string;
  readonly revision?: string;
  readonly allowOpenIngest?: true;
}

/** Adds the options that say what is read. */
export function sourceOptions(command: Command): Command {
  return command
    .option("--spec <file>", "an unnamed dataset from a JSON file instead of a name")
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
    ...(options.asOf !== undefined && { asOf: toTimestamp(options.asOf) }),
    ...(options.revision !== undefined && { revision: toRevision(options.revision) }),
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

function toTimestamp(text: string): { seconds: bigint; nanos: number } {
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds))
    throw new InputError(`--as-of is not a time: ${text}. Write it like 2026-01-31T12:00:00Z.`);
  const micros = /\.\d{3}(\d{1,3})/.exec(text)?.[1]?.padEnd(3, "0") ?? "000";
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds: BigInt(seconds), nanos: (milliseconds - seconds * 1000) * 1_000_000 + Number(micros) * 1000 };
}

function toRevision(text: string): bigint {
  if (!/^\d{1,18}$/.test(text)) throw new InputError(`--revision is not a number: ${text}`);
  return BigInt(text);
}
