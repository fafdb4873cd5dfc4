import { Command } from "commander";
import type { GetPlanResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { type Client, type Plan, type PlanEntry, type PlanHash, weightText } from "../../typescript/src/index.ts";
import { InputError } from "../failure.ts";
import { count, print, printJson, printTable } from "../output.ts";
import {
  fixedNames,
  type OrderOptions,
  orderOptions,
  type PlanSource,
  refuseOptions,
  toNumber,
  toPlan,
  toPlanSource,
  toPositive,
} from "../plan-options.ts";
import { programOptions, withClient } from "../session.ts";
import { sourceOptions } from "../source.ts";

interface PlanCommandOptions extends OrderOptions {
  readonly hash?: string;
}

interface ShowOptions extends PlanCommandOptions {
  readonly epochs: string;
  readonly gradientAccumulationSteps: string;
}

interface ExplainOptions extends PlanCommandOptions {
  readonly index: string;
  readonly count: string;
  readonly worldSize: string;
}

/** Plans: show, explain. */
export function plan(): Command {
  const command = new Command("plan").description("the order in which samples come");
  planOptions(command.command("show").description("show a plan, and how many steps a training takes"))
    .option("--epochs <number>", "epochs of the training", "1")
    .option("--gradient-accumulation-steps <number>", "global batches of one optimizer step", "1")
    .action(show);
  planOptions(command.command("explain").description("say which records are at some indices, and why"))
    .option("-i, --index <number>", "the first index", "0")
    .option("-n, --count <number>", "how many indices, at most 1,000", "10")
    .option("--world-size <ranks>", "tell the rank of so many that takes each", "1")
    .action(explain);
  return command;
}

function planOptions(command: Command): Command {
  const what = "a dataset (name or name@3), or a snapshot's key or first 8 digits";
  return orderOptions(sourceOptions(command.argument("[dataset|snapshot]", what))).option(
    "--hash <hash>",
    "a plan by its hash instead",
  );
}

/** What is asked for. */
async function target(
  client: Client,
  name: string | undefined,
  options: PlanCommandOptions,
): Promise<PlanSource | PlanHash> {
  if (options.hash === undefined) return toPlanSource(client, name, options);
  if ([name, options.spec, options.mix, options.run].some((one) => one !== undefined)) {
    throw new InputError("--hash says all; name nothing else.");
  }
  refuseOptions(options, ["epoch", ...fixedNames], "the plan's hash says it; leave it out.");
  return { hash: options.hash };
}

async function show(name: string | undefined, options: ShowOptions, command: Command): Promise<void> {
  const steps = {
    epochs: toPositive("--epochs", options.epochs),
    gradientAccumulationSteps: toPositive("--gradient-accumulation-steps", options.gradientAccumulationSteps),
  };
  await withClient(command, async (client) => {
    const source = await target(client, name, options);
    const answer = await client.getPlan(source, { ...(await toPlan(client, options)), ...steps });
    if (programOptions(command).json) printJson(answer);
    else describe(answer, steps);
  });
}

function describe({ plan: found, maxSteps }: GetPlanResponse, steps: { epochs: number }): void {
  if (found === undefined) return;
  const inTurn = (found.spec?.mixture?.blockBatches ?? 0) > 0;
  print(`plan     ${found.hash}`);
  print(
    `samples  ${count(found.sampleCount)} in ${count(found.globalBatchCount)} global batches, epoch ${found.spec?.epoch ?? 0}`,
  );
  print(`steps    ${count(maxSteps)} for ${steps.epochs} epoch${steps.epochs === 1 ? "" : "s"}`);
  print();
  printTable(
    ["SOURCE", "SNAPSHOT", "SAMPLES", "AN EPOCH", "HERE", "SHARE", "COPIES"],
    found.sources.map((source, place) => [
      place,
      source.snapshot.slice(0, 12),
      count(source.snapshotSampleCount),
      count(source.epochSampleCount),
      count(source.sampleCount),
      inTurn ? "in turn" : `${source.slots}/1024`,
      source.weightTable === "" ? "one each" : source.weightTable.slice(0, 12),
    ]),
  );
}

async function explain(name: string | undefined, options: ExplainOptions, command: Command): Promise<void> {
  const place = {
    firstIndex: toNumber("--index", options.index),
    count: toNumber("--count", options.count),
    worldSize: toNumber("--world-size", options.worldSize),
  };
  await withClient(command, async (client) => {
    const source = await target(client, name, options);
    const answer = await client.explainPlan(source, { ...(await toPlan(client, options)), ...place });
    if (programOptions(command).json) return printJson(answer);
    const [only, ...others] = answer.entries;
    if (only === undefined && place.count > 0)
      throw new InputError(
        `--index is ${place.firstIndex}; the plan has ${count(answer.plan?.sampleCount ?? 0n)} samples.`,
      );
    if (only !== undefined && others.length === 0) explainOne(only, answer.plan);
    else explainAll(answer.entries);
  });
}

function explainOne(entry: PlanEntry, of: Plan | undefined): void {
  const source = of?.sources[entry.source];
  print(`Index ${count(entry.index)} is record ${entry.recordId}:`);
  print(
    `  global batch ${count(entry.globalBatch)} of ${count(of?.globalBatchCount ?? 0n)}, where rank ${entry.rank} takes it`,
  );
  print(
    `  place ${count(entry.sourceIndex)} in epoch ${entry.sourceEpoch} of source ${entry.source}, snapshot ${source?.snapshot.slice(0, 12)}`,
  );
  const window =
    of?.spec?.shuffle === undefined ? "in snapshot order" : `in window ${count(entry.window)} of the shuffle`;
  print(`  page ${count(entry.page)}, ${window}`);
  print(
    `  sample ${count(entry.sample)} of the snapshot, copy ${entry.copy + 1} of ${entry.copies}, weight ${weightText(entry.weightMicros)}`,
  );
}

function explainAll(entries: readonly PlanEntry[]): void {
  printTable(
    ["INDEX", "RECORD", "BATCH", "RANK", "SOURCE", "EPOCH", "PLACE", "WINDOW", "PAGE", "SAMPLE", "COPY", "WEIGHT"],
    entries.map((entry) => [
      Number(entry.index),
      entry.recordId,
      Number(entry.globalBatch),
      entry.rank,
      entry.source,
      Number(entry.sourceEpoch),
      Number(entry.sourceIndex),
      Number(entry.window),
      Number(entry.page),
      Number(entry.sample),
      `${entry.copy + 1} of ${entry.copies}`,
      weightText(entry.weightMicros),
    ]),
  );
}
