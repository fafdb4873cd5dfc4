import { Command } from "commander";
import type { Registry } from "../../../typescript/src/index.ts";
import { metricsText } from "../../adapter/describe-version.ts";
import { collect, toNumbers } from "../../adapter/key-values.ts";
import { printOutcome } from "../../adapter/print-versions.ts";
import { InputError } from "../../failure.ts";
import { printJson, printTable, time } from "../../output.ts";
import { programOptions, withRegistry } from "../../session.ts";

interface MetricsOptions {
  readonly metric: string;
  readonly report?: readonly string[];
  readonly source: string;
  readonly step: string;
}

export function metrics(): Command {
  return new Command("metrics")
    .description("list a version's metrics over time, or add values to them")
    .argument("<name>", "legal@3 or legal@production")
    .option("--metric <name>", "only this one", "")
    .option("--report <name=value>", "add a value, measured now; may be given several times", collect)
    .option("--source <text>", "on what the values of --report were measured", "")
    .option("--step <number>", "optimizer step of the values of --report", "0")
    .action(run);
}

async function run(name: string, options: MetricsOptions, command: Command): Promise<void> {
  if (!/^\d{1,18}$/.test(options.step)) throw new InputError(`--step is not a number: ${options.step}`);
  const values = Object.entries(toNumbers("--report", options.report)).map(([metric, value]) => {
    return { metric, value, step: BigInt(options.step), source: options.source };
  });
  await withRegistry(command, async (registry) => {
    if (values.length === 0) return await show(registry, name, options.metric, command);
    const version = await registry.reportMetrics(name, values);
    printOutcome(version, command, (each) => `${each.name} has ${metricsText(each)}.`);
  });
}

async function show(registry: Registry, name: string, metric: string, command: Command): Promise<void> {
  const values = await Array.fromAsync(registry.listMetrics(name, metric));
  if (programOptions(command).json) return printJson(values);
  printTable(
    ["METRIC", "VALUE", "TIME", "STEP", "SOURCE"],
    values.map((each) => [each.metric, each.value, time(each.time), Number(each.step), each.source || "-"]),
  );
}
