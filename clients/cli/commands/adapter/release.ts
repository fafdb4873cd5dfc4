import { Command } from "commander";
import { stateText } from "../../adapter/describe-version.ts";
import { printOutcome } from "../../adapter/print-versions.ts";
import { withRegistry } from "../../session.ts";

export function release(): Command {
  return new Command("release")
    .description("end the quarantine of a version")
    .argument("<name>", "legal@3 or legal@production")
    .action(run);
}

async function run(name: string, _options: unknown, command: Command): Promise<void> {
  await withRegistry(command, async (registry) => {
    const { version } = await registry.adapters.releaseVersion({ version: name });
    printOutcome(version, command, (each) => `${each.name} is ${stateText(each)}.`);
  });
}
