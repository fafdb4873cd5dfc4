import { Command } from "commander";
import { printOutcome } from "../../adapter/print-versions.ts";
import { withRegistry } from "../../session.ts";

export function quarantine(): Command {
  return new Command("quarantine")
    .description("take a version out of service: its aliases stay and resolve no more")
    .argument("<name>", "legal@3 or legal@production")
    .requiredOption("--reason <text>", "why")
    .action(run);
}

async function run(name: string, { reason }: { readonly reason: string }, command: Command): Promise<void> {
  await withRegistry(command, async (registry) => {
    const { version } = await registry.adapters.quarantineVersion({ version: name, reason });
    printOutcome(version, command, ({ name: named }) => `${named} is in quarantine; adapter release ${named} ends it.`);
  });
}
