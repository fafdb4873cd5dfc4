import { Command } from "commander";
import { printVersions } from "../../adapter/print-versions.ts";
import { withRegistry } from "../../session.ts";

interface VersionsOptions {
  readonly filter: string;
  readonly includeDeleted: boolean;
}

export function versions(): Command {
  return new Command("versions")
    .description("list versions by adapter and number")
    .argument("[adapter]", "only of this adapter", "")
    .option(
      "--filter <expression>",
      'CEL over `version`, e.g. "legal" in version.domains; states and methods in capitals: version.method == "LORA"',
      "",
    )
    .option("--include-deleted", "deleted ones too", false)
    .action(run);
}

async function run(adapter: string, { filter, includeDeleted }: VersionsOptions, command: Command): Promise<void> {
  await withRegistry(command, async (registry) => {
    const found = registry.listVersions({ adapter, filter, includeDeleted });
    printVersions(await Array.fromAsync(found), command);
  });
}
