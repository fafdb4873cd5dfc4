import { Command } from "commander";
import type { Snapshot } from "../../typescript/src/index.ts";
import { InputError } from "../failure.ts";
import { stateName } from "../names.ts";
import { count, note, print, printJson, printTable, time } from "../output.ts";
import { Progress } from "../progress.ts";
import { programOptions, withClient } from "../session.ts";
import { type SourceOptions, sourceOptions, toSource } from "../source.ts";
import { statisticsLines } from "../statistics.ts";

interface BuildOptions extends SourceOptions {
  readonly ttl?: string;
}

/** Snapshots: build, list, show, delete. */
export function snapshot(): Command {
  const command = new Command("snapshot").description("the result of a dataset at one revision");
  const build = command
    .command("build")
    .description("build a snapshot and wait for it")
    .argument("[dataset]", "name, or name@3 for version 3")
    .option("--ttl <seconds>", "remove it this long after it was last read; kept by default");
  sourceOptions(build).action(runBuild);
  command
    .command("list")
    .description("list snapshots, newest first")
    .option("--dataset <name>", "only of this dataset")
    .action(list);
  command.command("show").description("show a snapshot").argument("<key>", "key, or its first 8 digits").action(show);
  command
    .command("delete")
    .description("delete a snapshot and its bytes")
    .argument("<key>", "key, or its first 8 digits")
    .action(remove);
  return command;
}

async function runBuild(name: string | undefined, options: BuildOptions, command: Command): Promise<void> {
  if (options.ttl !== undefined && !/^\d{1,9}$/.test(options.ttl))
    throw new InputError(`--ttl is not a number of seconds: ${options.ttl}`);
  await withClient(command, async (client, signal) => {
    const source = await toSource(client, name, options);
    using progress = new Progress("building", 0, "records");
    const built = await client.buildSnapshot(source, {
      signal,
      ...(options.ttl !== undefined && { ttlSeconds: Number(options.ttl) }),
      onProgress: ({ statistics }) => progress.update(1, Number(statistics?.scannedCount ?? 0n)),
    });
    progress[Symbol.dispose]();
    if (Number(options.ttl ?? 0) > 0 && built.expireTime === undefined)
      note(
        `Snapshot ${built.key.slice(0, 12)} stays kept, as an earlier build without --ttl asked: delete it by hand.`,
      );
    if (programOptions(command).json) printJson(built);
    else describe(built);
  });
}

async function list(options: { readonly dataset?: string }, command: Command): Promise<void> {
  await withClient(command, async (client) => {
    const snapshots: Snapshot[] = [];
    let pageToken = "";
    do {
      const page = await client.export.listSnapshots({ pageToken, dataset: options.dataset ?? "" });
      snapshots.push(...page.snapshots);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    if (programOptions(command).json) return printJson(snapshots);
    printTable(
      ["KEY", "DATASET", "STATE", "SAMPLES", "REVISION", "CREATED", "EXPIRES"],
      snapshots.map((each) => [
        each.key.slice(0, 12),
        datasetName(each),
        stateName(each.state).toLowerCase(),
        count(each.statistics?.sampleCount ?? 0n),
        String(each.revision),
        time(each.createTime),
        time(each.expireTime),
      ]),
    );
  });
}

async function show(key: string, _options: unknown, command: Command): Promise<void> {
  await withClient(command, async (client) => {
    const { snapshot: found } = await client.export.getSnapshot({ snapshot: key });
    if (programOptions(command).json) printJson(found);
    else if (found !== undefined) describe(found);
  });
}

async function remove(key: string, _options: unknown, command: Command): Promise<void> {
  await withClient(command, async (client) => {
    await client.export.deleteSnapshot({ snapshot: key });
    if (programOptions(command).json) printJson({ snapshot: key });
    else print(`Snapshot ${key} is deleted.`);
  });
}

function describe(each: Snapshot): void {
  print(`snapshot  ${each.key}`);
  print(
    `dataset   ${datasetName(each)} of "${each.spec?.collection}" at revision ${each.revision}, as of ${time(each.asOf)}`,
  );
  print(`state     ${stateName(each.state).toLowerCase()}${each.failure === "" ? "" : `: ${each.failure}`}`);
  if (each.digest.length > 0) print(`digest    ${Buffer.from(each.digest).toString("hex")}`);
  print(`created   ${time(each.createTime)}, sealed ${time(each.sealTime)}, expires ${time(each.expireTime)}`);
  print();
  for (const line of each.statistics === undefined ? [] : statisticsLines(each.statistics)) print(line);
}

function datasetName(each: Snapshot): string {
  const name = each.dataset === "" ? "(unnamed)" : `${each.dataset}@${each.datasetVersion}`;
  const split = each.spec?.splits?.selected ?? "";
  return split === "" ? name : `${name}, split ${split}`;
}
