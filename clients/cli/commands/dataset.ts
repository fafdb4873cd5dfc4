import { Command } from "commander";
import type { DatasetSpec } from "../../typescript/src/index.ts";
import { readDatasetFile } from "../dataset-file.ts";
import { importExporterConfiguration } from "../exporter-configuration.ts";
import { InputError } from "../failure.ts";
import { note, print, printJson, printTable, time, toJson } from "../output.ts";
import { readText } from "../read-text.ts";
import { programOptions, withClient } from "../session.ts";

/** Datasets: put, get, list, delete, import. */
export function dataset(): Command {
  const command = new Command("dataset").description("recipes: which records, in which format, how heavy, how good");
  command
    .command("put")
    .description("store a dataset from a JSON file; a change is a new version")
    .argument("<name>")
    .argument("<file>")
    .action(async (name: string, file: string, _options: unknown, self: Command) =>
      put(name, await readDatasetFile(file), self),
    );
  command
    .command("import")
    .description("store a dataset from an exporter configuration (style, field_mapping, weighting, quality, …) as JSON")
    .argument("<name>")
    .argument("<file>")
    .requiredOption("--collection <name>", "the collection that it reads")
    .action(runImport);
  command.command("get").description("print a dataset").argument("<name>", "name, or name@3 for version 3").action(get);
  command.command("list").description("list datasets").action(list);
  command
    .command("delete")
    .description("delete a dataset with all its versions; snapshots stay")
    .argument("<name>")
    .action(remove);
  return command;
}

async function put(name: string, spec: DatasetSpec, command: Command): Promise<void> {
  await withClient(command, async (client) => {
    const { dataset: stored } = await client.export.putDataset({ name, spec });
    if (programOptions(command).json) return printJson(stored);
    print(
      `Dataset ${name}@${stored?.version} reads "${stored?.spec?.collection}". Look at it: npx loraloop preview ${name}`,
    );
  });
}

async function runImport(
  name: string,
  file: string,
  options: { readonly collection: string },
  command: Command,
): Promise<void> {
  const { spec, notes } = importExporterConfiguration(await readText(file), options.collection);
  for (const line of notes) note(line);
  await put(name, spec, command);
}

async function get(reference: string, _options: unknown, command: Command): Promise<void> {
  const [, name = "", version = "0"] = /^([^@]*)(?:@(\d{1,9}))?$/.exec(reference) ?? [];
  if (name === "") throw new InputError(`Not a dataset: ${reference}. Write name, or name@3 for version 3.`);
  await withClient(command, async (client) => {
    const { dataset: stored } = await client.export.getDataset({ name, version: Number(version) });
    if (programOptions(command).json) printJson(stored);
    else print(toJson(stored, 2));
  });
}

async function list(_options: unknown, command: Command): Promise<void> {
  await withClient(command, async (client) => {
    const datasets = [];
    let pageToken = "";
    do {
      const page = await client.export.listDatasets({ pageToken });
      datasets.push(...page.datasets);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    if (programOptions(command).json) return printJson(datasets);
    printTable(
      ["NAME", "VERSION", "COLLECTION", "FORMAT", "CHANGED"],
      datasets.map((each) => [
        each.name,
        each.version,
        each.spec?.collection ?? "",
        each.spec?.format ?? "",
        time(each.createTime),
      ]),
    );
  });
}

async function remove(name: string, _options: unknown, command: Command): Promise<void> {
  await withClient(command, async (client) => {
    await client.export.deleteDataset({ name });
    if (programOptions(command).json) printJson({ name });
    else print(`Dataset ${name} is deleted.`);
  });
}
