import { Command } from "commander";
import { printJson, printTable, time } from "../../output.ts";
import { programOptions, withRegistry } from "../../session.ts";

interface ListOptions {
  readonly filter: string;
  readonly includeDeleted: boolean;
}

export function list(): Command {
  return new Command("list")
    .description("list adapters by name")
    .option("--filter <expression>", 'CEL over `adapter`, e.g. adapter.metadata["team"] == "legal"', "")
    .option("--include-deleted", "deleted ones too", false)
    .action(run);
}

async function run({ filter, includeDeleted }: ListOptions, command: Command): Promise<void> {
  await withRegistry(command, async (registry) => {
    const adapters = await Array.fromAsync(registry.listAdapters({ filter, includeDeleted }));
    if (programOptions(command).json) return printJson(adapters);
    printTable(
      ["ADAPTER", "LATEST", "ALIASES", "DESCRIPTION", "CHANGED", ...(includeDeleted ? ["DELETED"] : [])],
      adapters.map(({ name, latestVersion, aliases, description, updateTime, deleteTime }) => [
        name,
        String(latestVersion || "-"),
        aliases.map(({ alias, version }) => `${alias} → ${version}`).join(", ") || "-",
        description.split("\n", 1)[0] || "-",
        time(updateTime),
        ...(includeDeleted ? [time(deleteTime)] : []),
      ]),
    );
  });
}
