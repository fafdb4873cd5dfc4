import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import type { SampleStream } from "../../typescript/src/index.ts";
import { InputError } from "../failure.ts";
import { note, printJson, toJson } from "../output.ts";
import { hasOrder, type OrderOptions, orderOptions, toPlan, toPlanSource } from "../plan-options.ts";
import { Progress } from "../progress.ts";
import { FileOutput, type SampleOutput, StandardOutput } from "../sample-output.ts";
import { programOptions, reconnectSeconds, withClient } from "../session.ts";
import { sourceOptions } from "../source.ts";
import { statisticsFile, statisticsLines } from "../statistics.ts";

interface Options extends OrderOptions {
  readonly output?: string;
  readonly resume?: true;
  readonly batchSize: string;
  readonly statsJson?: string;
}

/** Samples as NDJSON. */
export function stream(): Command {
  const command = new Command("stream")
    .description("write samples as JSON lines")
    .argument("[dataset|snapshot]", "a dataset (name or name@3), or a snapshot's key or first 8 digits")
    .option("-o, --output <file>", "to a file instead of standard output")
    .option("--resume", "go on with the file of an interrupted run")
    .option("--batch-size <samples>", "at most this many samples a frame; changes nothing in the samples", "0")
    .option("--stats-json <file>", "write statistics at the end");
  return orderOptions(sourceOptions(command)).action(run);
}

async function run(name: string | undefined, options: Options, command: Command): Promise<void> {
  if (options.resume && options.output === undefined) throw new InputError("--resume needs --output FILE.");
  if (!/^\d{1,9}$/.test(options.batchSize)) throw new InputError(`--batch-size is not a number: ${options.batchSize}`);
  await withClient(command, async (client, signal) => {
    const source = await toPlanSource(client, name, options);
    const output =
      options.output === undefined ? new StandardOutput() : new FileOutput(options.output, options.resume === true);
    const samples = client.stream(source, {
      signal,
      reconnectSeconds,
      batchSize: Number(options.batchSize),
      ...(hasOrder(options) && { plan: await toPlan(client, options) }),
      ...(output.resume && { resume: output.resume }),
    });
    try {
      await copy(samples, output);
      output.finish();
    } finally {
      output.close();
    }
    await report(samples, options, programOptions(command).json === true);
  });
}

async function copy(samples: SampleStream, output: SampleOutput): Promise<void> {
  let progress: Progress | undefined;
  try {
    for await (const batch of samples.batches()) {
      progress ??= new Progress("streaming", Number(samples.header?.sampleCount ?? 0n), "samples");
      await output.write(batch.ndjson(), samples.stateDict());
      progress.update(samples.nextIndex, samples.nextIndex);
    }
  } finally {
    progress?.[Symbol.dispose]();
  }
}

async function report(samples: SampleStream, options: Options, json: boolean): Promise<void> {
  const { statistics } = samples;
  if (statistics === undefined) return;
  if (options.statsJson !== undefined) await writeFile(options.statsJson, `${toJson(statisticsFile(statistics), 2)}\n`);
  if (json && options.output !== undefined) printJson(statisticsFile(statistics));
  if (!json && (options.output !== undefined || process.stderr.isTTY || statistics.sampleCount === 0n)) {
    for (const line of statisticsLines(statistics)) note(line);
  }
}
