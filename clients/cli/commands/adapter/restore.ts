import { Command } from "commander";
import { stateText } from "../../adapter/describe-version.ts";
import { printOutcome } from "../../adapter/print-versions.ts";
import { splitName } from "../../adapter/version-name.ts";
import { print, printJson } from "../../output.ts";
import { programOptions, withRegistry } from "../../session.ts";

export function restore(): Command {
  return new Command("restore")
    .description("bring a deleted adapter or version back")
    .argument("<name>", "legal, or legal@3")
    .action(run);
}

async function run(name: string, _options: unknown, command: Command): Promise<void> {
  await withRegistry(command, async ({ adapters }) => {
    if (splitName(name).version !== "") {
      const { version } = await adapters.restoreVersion({ version: name });
      return printOutcome(version, command, (each) => `${each.name} is ${stateText(each)} again.`);
    }
    const { adapter } = await adapters.restoreAdapter({ adapter: name });
    if (programOptions(command).json) printJson(adapter);
    else print(`${name} is back.`);
  });
}
