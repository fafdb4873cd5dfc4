import { Command } from "commander";
import { type Adapter, type Registry, RpcError } from "../../../typescript/src/index.ts";
import { collect, toTexts } from "../../adapter/key-values.ts";
import { printOutcome } from "../../adapter/print-versions.ts";
import { splitName } from "../../adapter/version-name.ts";
import { InputError } from "../../failure.ts";
import { print, printJson } from "../../output.ts";
import { programOptions, withRegistry } from "../../session.ts";

interface PutOptions {
  readonly description?: string;
  readonly metadata?: readonly string[];
}

export function put(): Command {
  return new Command("put")
    .description("make an adapter, or say something else of it; or of a version")
    .argument("<name>", "legal, or legal@3")
    .option("--description <text>", "what an adapter is for; stays where not given")
    .option("--metadata <key=value>", "all there is; may be given several times; stays where not given", collect)
    .action(run);
}

async function run(name: string, { description, metadata }: PutOptions, command: Command): Promise<void> {
  const isVersion = splitName(name).version !== "";
  if (isVersion && (description !== undefined || metadata === undefined))
    throw new InputError("Of a version --metadata can be replaced, and nothing else.");
  const texts = metadata && toTexts("--metadata", metadata);
  await withRegistry(command, async (registry) => {
    if (!isVersion) return await putAdapter(registry, name, { description, metadata: texts }, command);
    const { version } = await registry.adapters.putVersionMetadata({ version: name, metadata: texts ?? {} });
    printOutcome(version, command, (each) => `${each.name} has new metadata.`);
  });
}

async function putAdapter(
  registry: Registry,
  name: string,
  said: { readonly description: string | undefined; readonly metadata: Record<string, string> | undefined },
  command: Command,
): Promise<void> {
  const before = await findAdapter(registry, name);
  const { adapter } = await registry.adapters.putAdapter({
    adapter: name,
    description: said.description ?? before?.description ?? "",
    metadata: said.metadata ?? before?.metadata ?? {},
    expectedRevision: before?.revision ?? 0n,
  });
  if (programOptions(command).json) printJson(adapter);
  else print(`Adapter ${name} is ${before === undefined ? "made" : "changed"}.`);
}

async function findAdapter(registry: Registry, name: string): Promise<Adapter | undefined> {
  try {
    return await registry.getAdapter(name);
  } catch (error) {
    if (error instanceof RpcError && error.reason === "ADAPTER_NOT_FOUND") return undefined;
    throw error;
  }
}
