import { Command } from "commander";
import type { BaseModel } from "../../typescript/src/index.ts";
import { jsonBaseModel, jsonListedModel } from "../adapter/json-version.ts";
import { collect, toTexts } from "../adapter/key-values.ts";
import { layerKindName } from "../adapter/names.ts";
import { toBaseModel } from "../adapter/version-name.ts";
import { count, counted, print, printJson, printLines, printTable, time } from "../output.ts";
import { Progress } from "../progress.ts";
import { programOptions, withRegistry } from "../session.ts";

interface RegisterOptions {
  readonly name: string;
  readonly otherName: string[];
  readonly metadata?: readonly string[];
}

/** Base models: register, list, show, delete. */
export function baseModel(): Command {
  const command = new Command("base-model").description("the models that adapters are for");
  command
    .command("register")
    .description("tell the registry of the model in a folder: its layers and digests, not its weights")
    .argument("<folder>", "with config.json and *.safetensors, e.g. of the Hub's cache")
    .requiredOption("--name <name>", "e.g. mistralai/Mistral-7B-v0.1, or with its revision …@26bca36")
    .option("--other-name <name>", "how adapters may call it, too; may be given several times", collect, [])
    .option("--metadata <key=value>", "anything else; may be given several times", collect)
    .action(register);
  command.command("list").description("list base models by name").action(list);
  command.command("show").description("show a base model").argument("<name>", "name, or name@revision").action(show);
  command
    .command("delete")
    .description("remove a base model that no version names")
    .argument("<name>", "name, or name@revision")
    .action(remove);
  return command;
}

async function register(folder: string, options: RegisterOptions, command: Command): Promise<void> {
  const names = { ...toBaseModel(options.name), otherNames: options.otherName };
  const metadata = toTexts("--metadata", options.metadata);
  await withRegistry(command, async (registry, signal) => {
    using progress = new Progress("reading", 0, "bytes");
    let read = 0;
    const onBytes = (length: number): void => {
      read += length;
      progress.update(1, read);
    };
    const registered = await registry.registerBaseModel(folder, { ...names, metadata }, { signal, onBytes });
    progress[Symbol.dispose]();
    if (programOptions(command).json) return printJson(jsonBaseModel(registered));
    const vocabulary = registered.vocabularyDigest === "" ? "no vocabulary" : "the vocabulary of its tokenizer.json";
    print(`${nameOf(registered)} is registered, with ${counted(registered.layers.length, "layer")} and ${vocabulary}.`);
  });
}

async function list(_options: unknown, command: Command): Promise<void> {
  await withRegistry(command, async (registry) => {
    const models = await Array.fromAsync(registry.listBaseModels());
    if (programOptions(command).json) return printJson(models.map(jsonListedModel));
    printTable(
      ["BASE MODEL", "REVISION", "ARCHITECTURE", "WIDTH", "WEIGHTS", "TOKENIZER", "REGISTERED"],
      models.map((each) => [
        each.name,
        each.revision,
        each.architecture || "-",
        each.hiddenSize,
        each.weightsDigest.slice(0, 12) || "-",
        each.tokenizerDigest.slice(0, 12) || "-",
        time(each.createTime),
      ]),
    );
  });
}

async function show(name: string, _options: unknown, command: Command): Promise<void> {
  await withRegistry(command, async ({ baseModels }) => {
    const { baseModel: found } = await baseModels.getBaseModel(toBaseModel(name));
    if (programOptions(command).json) printJson(found && jsonBaseModel(found));
    else if (found !== undefined) describe(found);
  });
}

async function remove(name: string, _options: unknown, command: Command): Promise<void> {
  await withRegistry(command, async ({ baseModels }) => {
    await baseModels.deleteBaseModel(toBaseModel(name));
    if (programOptions(command).json) printJson({ base_model: name });
    else print(`Base model ${name} is deleted.`);
  });
}

function describe(model: BaseModel): void {
  const { architecture, modelType, hiddenSize, vocabularySize, otherNames } = model;
  printLines([
    `base model    ${nameOf(model)}`,
    ...otherNames.map((name) => `also called   ${name}`),
    `architecture  ${architecture || "-"} (${modelType || "-"}), width ${hiddenSize}, ${count(vocabularySize)} tokens`,
    `weights       ${model.weightsDigest || "-"}`,
    `tokenizer     ${model.tokenizerDigest || "-"}`,
    `vocabulary    ${model.vocabularyDigest || "-"}`,
    ...Object.entries(model.metadata).map(([key, value]) => `metadata      ${key}=${value}`),
    `registered    ${time(model.createTime)} by ${model.creator}`,
  ]);
  print();
  printTable(
    ["LAYER", "KIND", "IN", "OUT"],
    model.layers.map((each) => [each.name, kindText(each), each.inputFeatures, each.outputFeatures]),
  );
}

function nameOf({ name, revision }: BaseModel): string {
  return `${name}@${revision}`;
}

function kindText({ kind, matrixCount, onlyInFiles }: BaseModel["layers"][number]): string {
  const text = layerKindName(kind).toLowerCase().replaceAll("_", " ");
  return [text, matrixCount > 1 && `${count(matrixCount)} matrices`, onlyInFiles && "only in files"]
    .filter(Boolean)
    .join(", ");
}
