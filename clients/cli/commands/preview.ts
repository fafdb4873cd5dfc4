import { Command } from "commander";
import colors from "picocolors";
import type { PreviewSample, PreviewSamplesResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { weightText } from "../../typescript/src/index.ts";
import { InputError } from "../failure.ts";
import { reasonName } from "../names.ts";
import { print, printJson } from "../output.ts";
import { programOptions, withClient } from "../session.ts";
import { type SourceOptions, sourceOptions, toSource } from "../source.ts";
import { statisticsLines } from "../statistics.ts";

interface Options extends SourceOptions {
  readonly count: string;
}

/** The first samples with the reasons for their weights, and the first rejects. */
export function preview(): Command {
  const command = new Command("preview")
    .description("show the first samples, why they weigh what they weigh, and the first rejects; stores nothing")
    .argument("[dataset]", "name, or name@3 for version 3")
    .option("-n, --count <number>", "how many", "5");
  return sourceOptions(command).action(run);
}

async function run(name: string | undefined, options: Options, command: Command): Promise<void> {
  if (!/^[1-9]\d{0,3}$/.test(options.count))
    throw new InputError(`--count is not a number from 1 to 1,000: ${options.count}`);
  await withClient(command, async (client, signal) => {
    const source = await toSource(client, name, options);
    const answer = await client.export.previewSamples({ source, sampleCount: Number(options.count) }, { signal });
    if (programOptions(command).json) printJson(answer);
    else show(answer);
  });
}

function show(answer: PreviewSamplesResponse): void {
  for (const sample of answer.samples) {
    print(`${colors.cyan(sample.recordId)}  ${explainWeight(sample)}`);
    print(sample.line);
    if (sample.schemaProblem !== "")
      print(colors.yellow(`kept though it does not fit the schema: ${sample.schemaProblem}`));
  }
  if (answer.rejects.length > 0) print(`\n${colors.bold("Rejected")}`);
  for (const { recordId, reason, problem } of answer.rejects)
    print(`${colors.cyan(recordId)}  ${reasonName(reason)}: ${problem}`);
  print();
  for (const line of answer.statistics === undefined ? [] : statisticsLines(answer.statistics)) print(line);
  if (!answer.complete) print(colors.dim("Only the beginning of the collection was read."));
}

function explainWeight({ weightMicros, weightExplanation: why }: PreviewSample): string {
  if (why === undefined) return "";
  const factors = [`${why.explicit}${why.defaulted ? " (default)" : ""}`];
  if (why.lengthFactor !== 1) factors.push(`${why.lengthFactor.toFixed(4)} (length ${why.length})`);
  if (why.freshnessFactor !== 1) factors.push(`${why.freshnessFactor.toFixed(4)} (${why.ageDays.toFixed(1)} days old)`);
  return colors.dim(`weight ${weightText(weightMicros)} = ${factors.join(" × ")}`);
}
