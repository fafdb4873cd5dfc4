import { Command } from "commander";
import type { RegisterVersionOptions } from "../../../typescript/src/index.ts";
import { baseModelText } from "../../adapter/describe-version.ts";
import { collect, toNumbers, toTexts } from "../../adapter/key-values.ts";
import { printOutcome } from "../../adapter/print-versions.ts";
import { withTransferBar } from "../../adapter/transfer-bar.ts";
import { readVersionFile } from "../../adapter/version-file.ts";
import { toBaseModel } from "../../adapter/version-name.ts";
import { readText } from "../../read-text.ts";
import { reconnectSeconds, withRegistry } from "../../session.ts";

interface RegisterOptions {
  readonly spec?: string;
  readonly run?: string;
  readonly snapshot?: string[];
  readonly baseModel?: string;
  readonly parent?: string;
  readonly task?: string;
  readonly domain?: string[];
  readonly language?: string;
  readonly label?: string;
  readonly alias?: string;
  readonly metric?: readonly string[];
  readonly metadata?: readonly string[];
  readonly key?: string;
}

export function register(): Command {
  return new Command("register")
    .description("check the files of a trained adapter, and make them its next version")
    .argument("<adapter>", "the adapter; made where it is not there")
    .argument(
      "<folder>",
      "what PEFT's save_pretrained wrote; or a file:// or s3:// URI of files that stay where they are",
    )
    .option("--run <id>", "the run that made it: its snapshots, environment and metrics become the version's")
    .option("--snapshot <key>", "what it was trained on, beside the run's; may be given several times", collect)
    .option(
      "--base-model <name>",
      "base model, e.g. mistralai/Mistral-7B-v0.1@main; by default what adapter_config.json names, whose files are compared where that is a folder",
    )
    .option("--parent <name>", "the version that training began from, e.g. legal@2")
    .option("--task <text>", "what it is for, e.g. question-answering")
    .option("--domain <name>", "a field of knowledge; may be given several times", collect)
    .option("--language <tag>", "BCP 47, e.g. de")
    .option("--label <text>", "a name for people, e.g. 1.0.0")
    .option("--alias <alias>", "point this alias at it")
    .option("--metric <name=value>", "a metric's value; may be given several times", collect)
    .option("--metadata <key=value>", "anything else; may be given several times", collect)
    .option(
      "--key <file>",
      "sign it with this private Ed25519 key, PEM; files that stay where they are: afterwards, with adapter sign",
    )
    .option(
      "--spec <file>",
      "the same and more from a JSON file with the keys of RegisterVersionRequest, e.g. quantization, training, constraint",
    )
    .action(run);
}

async function run(adapter: string, folder: string, options: RegisterOptions, command: Command): Promise<void> {
  const said = { ...(options.spec !== undefined && (await readVersionFile(options.spec))), ...(await given(options)) };
  await withRegistry(command, async (registry, signal) => {
    const version = await withTransferBar("uploading", (onProgress) =>
      registry.registerVersion(adapter, folder, { ...said, signal, reconnectSeconds, onProgress }),
    );
    printOutcome(version, command, (each) => `${each.name} is registered, for ${baseModelText(each)}.`);
  });
}

/** What the options say; nothing of those that were not given. */
async function given(options: RegisterOptions): Promise<RegisterVersionOptions> {
  const { spec: _spec, baseModel, metric, metadata, key, snapshot, domain, ...others } = options;
  const said = {
    ...{ ...others, snapshots: snapshot, domains: domain },
    baseModel: baseModel === undefined ? undefined : toBaseModel(baseModel),
    metrics: metric && toNumbers("--metric", metric),
    metadata: metadata && toTexts("--metadata", metadata),
    privateKey: key === undefined ? undefined : await readText(key),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}
