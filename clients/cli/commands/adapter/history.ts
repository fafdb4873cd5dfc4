import { Command } from "commander";
import { LoraloopError } from "../../../typescript/src/index.ts";
import { splitName } from "../../adapter/version-name.ts";
import { printJson, printTable, time } from "../../output.ts";
import { programOptions, withRegistry } from "../../session.ts";

export function history(): Command {
  return new Command("history")
    .description("list an alias's moves, newest first: who was in production when, and why")
    .argument("<name>", "legal@production, or legal for all its aliases")
    .action(run);
}

async function run(name: string, _options: unknown, command: Command): Promise<void> {
  const { adapter, version: alias } = splitName(name);
  await withRegistry(command, async (registry) => {
    const moves = await Array.fromAsync(registry.listAliasMoves(adapter, alias));
    if (alias !== "" && moves.length === 0) throw new LoraloopError(`${adapter} never had an alias ${alias}.`);
    if (programOptions(command).json) return printJson(moves);
    printTable(
      ["TIME", "ALIAS", "FROM", "TO", "BY", "REVISION", "WHY"],
      moves.map((move) => [
        time(move.time),
        move.alias,
        versionText(move.fromVersion),
        versionText(move.toVersion),
        move.actor,
        String(move.revision),
        move.reason || "-",
      ]),
    );
  });
}

function versionText(version: number): string {
  return version === 0 ? "-" : String(version);
}
