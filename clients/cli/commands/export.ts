import { Command, Option } from "commander";
import type { SampleStream } from "../../typescript/src/index.ts";
import { parseByteSize } from "../export/byte-size.ts";
import type { ExportIndex, FileOptions } from "../export/export-index.ts";
import { type Compression, compressions, type FileFormat, fileFormats } from "../export/shard.ts";
import { InputError } from "../failure.ts";
import { bytes, counted, note, print } from "../output.ts";
import { Progress } from "../progress.ts";
import { programOptions, reconnectSeconds, withClient } from "../session.ts";
import { type SourceOptions, sourceOptions, toSource } from "../source.ts";

interface Options extends SourceOptions {
  readonly out: string;
  readonly format?: FileFormat;
  readonly compression?: Compression;
  readonly shardSize?: string;
  readonly adapterSet?: true;
}

/** Samples as files. */
export function exportFiles(): Command {
  const command = new Command("export")
    .description("write samples as a folder of files with an index; run again, it goes on where it was interrupted")
    .argument("[dataset|snapshot]", "a dataset (name or name@3), or a snapshot's key or first 8 digits")
    .requiredOption("-o, --out <folder>", "where to; a new folder, or that of an interrupted run")
    .addOption(new Option("--format <format>", "kind of files (default: jsonl)").choices(fileFormats))
    .addOption(
      new Option("--compression <kind>", "of JSONL files (default: none) or inside Parquet (default: zstd)").choices(
        compressions,
      ),
    )
    .option("--shard-size <size>", "most bytes of samples in a file, before compression (default: 500MB)")
    .option("--adapter-set", "one training.jsonl, with adapter_metadata.json and quality_report.json");
  return sourceOptions(command).action(run);
}

async function run(name: string | undefined, options: Options, command: Command): Promise<void> {
  const files = fileOptionsOf(options);
  const { exportSamples } = await import("../export/export-samples.ts");
  await withClient(command, async (client, signal) => {
    const source = await toSource(client, name, options);
    using progress = new SplitProgress();
    const { index, wasThere } = await exportSamples({
      client,
      source,
      folder: options.out,
      files,
      signal,
      reconnectSeconds,
      onProgress: (stream, split) => progress.update(stream, split),
      onBeginAgain: () => note("Some samples have other fields than those before: all are read once more."),
    });
    progress[Symbol.dispose]();
    if (programOptions(command).json) print(JSON.stringify(index));
    else describe(index, options.out, wasThere);
  });
}

function fileOptionsOf({ adapterSet, format, compression, shardSize }: Options): FileOptions {
  if (adapterSet) {
    if (format !== undefined || compression !== undefined || shardSize !== undefined) {
      throw new InputError("--adapter-set writes one JSONL file: leave out --format, --compression and --shard-size.");
    }
    return { format: "jsonl", compression: "none", shard_size: 0, adapter_set: true };
  }
  return {
    format: format ?? "jsonl",
    compression: compression ?? (format === "parquet" ? "zstd" : "none"),
    shard_size: parseByteSize(shardSize ?? "500MB", "--shard-size"),
    adapter_set: false,
  };
}

/** One bar a split. */
class SplitProgress implements Disposable {
  #split: string | undefined;
  #bar: Progress | undefined;

  update(stream: SampleStream, split: string): void {
    if (split !== this.#split) {
      this.#bar?.[Symbol.dispose]();
      this.#bar = new Progress(`exporting ${split}`, Number(stream.header?.sampleCount ?? 0n), "samples");
      this.#split = split;
    }
    this.#bar?.update(stream.nextIndex, stream.nextIndex);
  }

  [Symbol.dispose](): void {
    this.#bar?.[Symbol.dispose]();
  }
}

function describe(index: ExportIndex, folder: string, wasThere: boolean): void {
  if (wasThere) print(`${folder} was complete already.`);
  for (const { name, samples, bytes: size, shards, snapshot, statistics } of index.splits) {
    const files = counted(shards.length, "file");
    print(`${name}: ${counted(samples, "sample")} in ${files} (${bytes(size)}), snapshot ${snapshot.slice(0, 12)}`);
    const { hint } = (statistics as { statistics: { hint: string } }).statistics;
    if (hint !== "") note(hint);
  }
}
