import { Command } from "commander";
import { splitName } from "../../adapter/version-name.ts";
import { print, printJson } from "../../output.ts";
import { programOptions, withRegistry } from "../../session.ts";

export function remove(): Command {
  return new Command("delete")
    .description("delete an adapter or a version; not while an alias points there or another version came from it")
    .argument("<name>", "legal, or legal@3")
    .action(run);
}

async function run(name: string, _options: unknown, command: Command): Promise<void> {
  const isVersion = splitName(name).version !== "";
  await withRegistry(command, async ({ adapters }) => {
    if (isVersion) await adapters.deleteVersion({ version: name });
    else await adapters.deleteAdapter({ adapter: name });
    if (programOptions(command).json) printJson(isVersion ? { version: name } : { adapter: name });
    else print(`${name} is deleted; adapter restore ${name} brings it back.`);
  });
}
