import { Command } from "commander";
import type { Run } from "../../typescript/src/index.ts";
import { count, print, printJson, printTable, time } from "../output.ts";
import { lossText, positionText, readsText, runLines, stateText } from "../run/describe-run.ts";
import { jsonRun } from "../run/json-run.ts";
import { JsonView, LineView, type RunView, ScreenView } from "../run/run-screen.ts";
import { programOptions, reconnectSeconds, withClient } from "../session.ts";

interface CloseOptions {
  readonly failed?: boolean;
  readonly message?: string;
}

/** Runs: list, show, watch, close. */
export function run(): Command {
  const command = new Command("run").description("trainings: what they read, where they are, how it went");
  command.command("list").description("list runs, newest first").action(list);
  command.command("show").description("show a run").argument("<id>", "id of the run").action(show);
  command
    .command("watch")
    .description("show a run's rate, position and loss until it ends; Ctrl-C leaves it alone")
    .argument("<id>", "id of the run")
    .action(watch);
  command
    .command("close")
    .description("end a run whoever holds it, e.g. one that is lost; its snapshots are no longer held for it")
    .argument("<id>", "id of the run")
    .option("--failed", "it did not reach its end")
    .option("--message <text>", "why, or anything worth knowing", "")
    .action(close);
  return command;
}

async function list(_options: unknown, command: Command): Promise<void> {
  await withClient(command, async (client) => {
    const runs = await Array.fromAsync(client.runs.list());
    if (programOptions(command).json) return printJson(runs.map(jsonRun));
    printTable(
      ["RUN", "STATE", "READS", "CONSUMED", "STEP", "LOSS", "OPENED", "LAST HEARD OF"],
      runs.map((each) => [
        each.id,
        stateText(each),
        readsText(each),
        positionText(each),
        String(each.consumed?.step ?? "-"),
        lossText(each),
        time(each.createTime),
        time(each.updateTime),
      ]),
    );
  });
}

async function show(id: string, _options: unknown, command: Command): Promise<void> {
  await withClient(command, async (client) => {
    const found = await client.runs.get(id);
    if (programOptions(command).json) return printJson(jsonRun(found));
    for (const line of runLines(found)) print(line);
    print();
    showEpochs(found);
  });
}

function showEpochs({ epochs }: Run): void {
  printTable(
    ["EPOCH", "SAMPLES", "LOSSES", "MEAN LOSS", "CLOSED", "PLAN"],
    epochs.map(({ epoch, sampleCount, lossCount, meanLoss, closed, plan }) => [
      epoch,
      count(sampleCount),
      count(lossCount),
      meanLoss === undefined ? "-" : meanLoss.toPrecision(4),
      closed ? "yes" : "no",
      plan.slice(0, 12),
    ]),
  );
}

async function watch(id: string, _options: unknown, command: Command): Promise<void> {
  await withClient(command, async (client, signal) => {
    const view = viewOf(programOptions(command).json === true);
    for await (const seen of client.runs.watch(id, { signal, reconnectSeconds })) view.show(seen);
  });
}

async function close(id: string, { failed = false, message = "" }: CloseOptions, command: Command): Promise<void> {
  await withClient(command, async (client) => {
    const closed = await client.runs.attach(id).close({ succeeded: !failed, message });
    if (programOptions(command).json) printJson(jsonRun(closed));
    else print(`Run ${id} is closed: ${stateText(closed)}.`);
  });
}

function viewOf(json: boolean): RunView {
  if (json) return new JsonView();
  return process.stdout.isTTY ? new ScreenView(process.stdout) : new LineView();
}
