import { Command } from "commander";
import { type Differences, versionDifferences } from "../../adapter/version-differences.ts";
import { print, printJson, printTable } from "../../output.ts";
import { programOptions, withRegistry } from "../../session.ts";

export function diff(): Command {
  return new Command("diff")
    .description("print in what two versions differ: configuration, metrics, data, files")
    .argument("<one>", "legal@2")
    .argument("<other>", "legal@3 or legal@production")
    .action(run);
}

async function run(one: string, other: string, _options: unknown, command: Command): Promise<void> {
  await withRegistry(command, async (registry) => {
    const [first, second] = await Promise.all([registry.getVersion(one), registry.getVersion(other)]);
    const differences = versionDifferences(first, second);
    if (programOptions(command).json) printJson({ one: first.name, other: second.name, differences });
    else show(differences, [first.name, second.name]);
  });
}

function show(differences: Differences, names: readonly [string, string]): void {
  const groups = Object.entries(differences);
  if (groups.length === 0) print(`${names.join(" and ")} do not differ.`);
  for (const [place, [group, fields]] of groups.entries()) {
    if (place > 0) print();
    printTable(
      [group.toUpperCase(), ...names],
      fields.map(({ field, one, other }) => [field, one ?? "-", other ?? "-"]),
    );
  }
}
