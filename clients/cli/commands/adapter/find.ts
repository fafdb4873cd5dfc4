import { Command } from "commander";
import type { DeepPartial, FindVersionsRequest } from "../../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { printVersions } from "../../adapter/print-versions.ts";
import { snapshotKey } from "../../adapter/snapshot-key.ts";
import { toBaseModel } from "../../adapter/version-name.ts";
import { InputError } from "../../failure.ts";
import { withRegistry } from "../../session.ts";

interface FindOptions {
  readonly record?: string;
  readonly subject?: string;
  readonly collection: string;
  readonly snapshot?: string;
  readonly run?: string;
  readonly parent?: string;
  readonly baseModel?: string;
}

type Origin = NonNullable<DeepPartial<FindVersionsRequest>["origin"]>;

export function find(): Command {
  return new Command("find")
    .description("list versions that came from something, and what was trained on from these; deleted ones too")
    .option("--record <collection/id>", "trained on this record, or on from a version that was")
    .option("--subject <subject>", "trained on data of this person, or on from a version that was")
    .option("--collection <name>", "of --subject: only in this collection", "")
    .option(
      "--snapshot <key>",
      "trained on this snapshot, or on from a version that was: its key, or the first 8 digits",
    )
    .option("--run <id>", "made by this run, or trained on from a version that was")
    .option("--parent <name>", "trained on from this version itself, e.g. legal@2")
    .option("--base-model <name>", "for this base model, e.g. mistralai/Mistral-7B-v0.1@main")
    .action(run);
}

async function run(options: FindOptions, command: Command): Promise<void> {
  const origin = await wholeOrigin(toOrigin(options), command);
  await withRegistry(command, async (registry) => {
    printVersions(await Array.fromAsync(registry.findVersions(origin)), command);
  });
}

async function wholeOrigin(origin: Origin, command: Command): Promise<Origin> {
  if (origin.$case !== "snapshot") return origin;
  return { ...origin, value: await snapshotKey(origin.value ?? "", command) };
}

function toOrigin({ record, subject, collection, snapshot, run: made, parent, baseModel }: FindOptions): Origin {
  const origins: Origin[] = [];
  if (record !== undefined) origins.push({ $case: "record", value: toRecord(record) });
  if (subject !== undefined) origins.push({ $case: "subject", value: { collection, subject } });
  if (snapshot !== undefined) origins.push({ $case: "snapshot", value: snapshot });
  if (made !== undefined) origins.push({ $case: "run", value: made });
  if (parent !== undefined) origins.push({ $case: "parent", value: parent });
  if (baseModel !== undefined) origins.push({ $case: "baseModel", value: toBaseModel(baseModel) });
  const [origin, ...others] = origins;
  if (origin !== undefined && others.length === 0) return origin;
  throw new InputError("Give one of --record, --subject, --snapshot, --run, --parent, --base-model.");
}

function toRecord(text: string): { readonly collection: string; readonly record: string } {
  const slash = text.indexOf("/");
  if (slash < 1 || slash === text.length - 1)
    throw new InputError(`--record is no record: ${text}. Write it like faq/qa-1.`);
  return { collection: text.slice(0, slash), record: text.slice(slash + 1) };
}
