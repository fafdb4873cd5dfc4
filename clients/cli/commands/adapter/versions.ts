import { Command } from "commander";
import { printVersions } from "../../adapter/print-versions.ts";
import { withRegistry } from "../../session.ts";

interface VersionsOptions {
  readonly filter: string;
  readonly deleted: boolean;
}

export function versions(): Command {
  return new Command("versions")
    .description("list versions by adapter and number")
    .argument("[adapter]", "only of this adapter", "")
    .option("--filter <expression>", 'CEL over `version`, e.g. "legal" in version.domains', "")
    .option("--deleted", "deleted ones too", false)
    .action(run);
}

async function run(adapter: string, { filter, deleted }: VersionsOptions, command: Command): Promise<void> {
  await withRegistry(command, async (registry) => {
    const found = registry.listVersions({ adapter, filter, includeDeleted: deleted });
    printVersions(await Array.fromAsync(found), command);
  });
}
