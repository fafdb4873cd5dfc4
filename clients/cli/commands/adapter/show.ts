import { Command } from "commander";
import { adapterLines } from "../../adapter/describe-adapter.ts";
import { printVersion } from "../../adapter/print-versions.ts";
import { splitName } from "../../adapter/version-name.ts";
import { printJson, printLines } from "../../output.ts";
import { programOptions, withRegistry } from "../../session.ts";

export function show(): Command {
  return new Command("show")
    .description("show an adapter, or one of its versions")
    .argument("<name>", "legal, legal@3 or legal@production")
    .action(run);
}

async function run(name: string, _options: unknown, command: Command): Promise<void> {
  await withRegistry(command, async (registry) => {
    if (splitName(name).version !== "") return printVersion(await registry.getVersion(name), command);
    const adapter = await registry.getAdapter(name, { includeDeleted: true });
    if (programOptions(command).json) printJson(adapter);
    else printLines(adapterLines(adapter));
  });
}
